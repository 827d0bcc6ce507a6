from datetime import timedelta

from hubbub.kit.db.chunks import delete_in_chunks
from hubbub.kit.db.dialect import db_now
from hubbub.kit.jobs import JobContext, NoArgs, job
from hubbub.messages.models import IdempotencyKey


@job("messages.prune_keys", every=timedelta(hours=1))
async def prune_keys(context: JobContext, _: NoArgs) -> None:
    kept = context.resources.settings.idempotency_days * 86400.0
    await delete_in_chunks(
        context.resources.database, IdempotencyKey, IdempotencyKey.created_at < db_now(-kept)
    )


JOBS = (prune_keys,)
