from datetime import timedelta

from hubbub.kit.db.chunks import delete_in_chunks
from hubbub.kit.db.dialect import db_now
from hubbub.kit.jobs import JobContext, NoArgs, job
from hubbub.messages.models import IdempotencyKey
from hubbub.messages.queries.rooms import find_mention
from hubbub.messages.service.expiry import forget
from hubbub.messages.writer.mentions import Mentioned
from hubbub.notifications.service import notify


@job("messages.prune_keys", every=timedelta(hours=1))
async def prune_keys(context: JobContext, _: NoArgs) -> None:
    kept = context.resources.settings.idempotency_days * 86400.0
    await delete_in_chunks(
        context.resources.database, IdempotencyKey, IdempotencyKey.created_at < db_now(-kept)
    )


@job("messages.forget", every=timedelta(hours=1))
async def forget_old(context: JobContext, _: NoArgs) -> None:
    days = context.resources.settings.messages.keep_days
    if days is not None:
        before = context.resources.clock.now() - timedelta(days=days)
        await forget(context.resources.database, before)


@job("messages.mentioned", on=Mentioned)
async def tell_of_mention(context: JobContext, event: Mentioned) -> None:
    async with context.resources.database.write() as session:
        found = await find_mention(session, event.message_id, event.participant_id)
        if found is not None:
            await notify(
                session,
                found.owner_id,
                "messages.mentioned",
                f"{found.sender} mentions {found.mentioned} in {found.room}",
                f"It is number {found.seq} in the room.",
                once=context.id,
            )


JOBS = (prune_keys, forget_old, tell_of_mention)
