from datetime import timedelta
from uuid import UUID, uuid5

from pydantic import BaseModel

from hubbub.agents.queries import agent_for_notice
from hubbub.agents.service.changes import AgentDeleted, GatewayChanged
from hubbub.kit.db.chunks import delete_in_chunks
from hubbub.kit.db.dialect import db_now
from hubbub.kit.jobs import JobContext, NoArgs, job
from hubbub.kit.jobs.queue import enqueue
from hubbub.messages.models import IdempotencyKey, Lane
from hubbub.messages.queries import owners_of_senders
from hubbub.messages.queries.rooms import find_mention
from hubbub.messages.service import overdue, pushing
from hubbub.messages.service.events import DeliveriesFailed, GatewayPaused
from hubbub.messages.service.expiry import forget
from hubbub.messages.writer.mentions import Mentioned
from hubbub.notifications.service import notify

_LATER = 30.0


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


class Adoption(BaseModel):
    agent_id: UUID


@job("messages.gateway_changed", on=GatewayChanged)
async def adopt_gateway(context: JobContext, event: GatewayChanged) -> None:
    async with context.resources.database.write() as session:
        await pushing.adopt_gateway(session, event.agent_id)
        again = Adoption(agent_id=event.agent_id)
        await enqueue(session, adopt_the_rest, again, key=str(context.id), delay=_LATER)


@job("messages.adopt_the_rest")
async def adopt_the_rest(context: JobContext, args: Adoption) -> None:
    async with context.resources.database.write() as session:
        await pushing.adopt_the_rest(session, args.agent_id)


@job("messages.participant_deleted", on=AgentDeleted)
async def drop_pushes(context: JobContext, event: AgentDeleted) -> None:
    async with context.resources.database.write() as session:
        await pushing.drop_pushes(session, event.agent_id)


@job("messages.tell_of_pause", on=GatewayPaused)
async def tell_of_pause(context: JobContext, event: GatewayPaused) -> None:
    async with context.resources.database.write() as session:
        agent = await agent_for_notice(session, event.agent_id)
        lane = await session.get(Lane, event.agent_id)
        if agent is None or agent.owner_id is None or lane is None or lane.paused_at is None:
            return
        await notify(
            session,
            agent.owner_id,
            "messages.gateway_paused",
            f"Nothing is pushed to {agent.handle} any more: {lane.pause_reason}",
            lane.pause_advice,
            once=context.id,
        )


@job("messages.tell_of_failures", on=DeliveriesFailed)
async def tell_of_failures(context: JobContext, event: DeliveriesFailed) -> None:
    """Each who has to do with it hears once an hour that there is something to see."""
    hour = context.resources.clock.now().strftime("%Y-%m-%d %H")
    async with context.resources.database.write() as session:
        agent = await agent_for_notice(session, event.agent_id)
        if agent is None:
            return
        owners = await owners_of_senders(session, event.message_ids)
        if agent.owner_id is not None:
            owners.add(agent.owner_id)
        for owner_id in sorted(owners):
            await notify(
                session,
                owner_id,
                "messages.deliveries_failed",
                f"Messages to {agent.handle} could not be pushed",
                "They are in its inbox, and can be replayed. The list of failed deliveries says"
                " which, and why.",
                once=uuid5(event.agent_id, f"{owner_id} {hour}"),
            )


@job("messages.overdue", every=timedelta(minutes=1))
async def tell_of_overdue(context: JobContext, _: NoArgs) -> None:
    """Each who has to do with it hears once an hour that there is something to see."""
    hour = context.resources.clock.now().strftime("%Y-%m-%d %H")
    while await overdue.tell_some(context.resources.database, hour):
        pass


JOBS = (
    prune_keys,
    forget_old,
    tell_of_mention,
    adopt_gateway,
    adopt_the_rest,
    drop_pushes,
    tell_of_pause,
    tell_of_failures,
    tell_of_overdue,
)
