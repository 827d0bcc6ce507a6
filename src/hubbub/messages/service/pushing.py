"""What people do about pushes: pausing, resuming, replaying, and looking at how it went."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import batched
from uuid import UUID

from sqlalchemy import Select, case, delete, func, literal, select, tuple_, update

from hubbub.activity import service as activity
from hubbub.agents.models import Agent
from hubbub.agents.service.rights import get_own_agent, lock_own_agent
from hubbub.agents.types import Actor, GatewayKind
from hubbub.kit.db.counter import Counter
from hubbub.kit.db.dialect import db_now, insert_or_ignore, upsert
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.messages.errors import DeliveryNotFound, NoGateway, NotFailed
from hubbub.messages.models import Attempt, Delivery, Lane, Message, PendingPush
from hubbub.messages.schemas import GatewayStatus
from hubbub.messages.service.changes import CHANGED, tell_changes
from hubbub.messages.service.inbox import lock_inboxes
from hubbub.messages.types import BY_OWNER, RANKS, SAME_RANK, State, parse_delivery_id

SIGNAL = "pushes"
MOST_REPLAYED = 1000
_CHUNK = 500
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)
_PLAINLY = {"synchronize_session": False}


def in_order(agent: Agent) -> bool:
    return agent.ordered or agent.gateway_kind is GatewayKind.OPENCLAW


async def read_status(session: AsyncReadSession, actor: Actor, agent_id: UUID) -> GatewayStatus:
    agent = await get_own_agent(session, actor, agent_id)
    return await _status(session, agent)


async def _status(session: AsyncReadSession, agent: Agent) -> GatewayStatus:
    lane = await session.get(Lane, agent.id, populate_existing=True)
    waiting = await session.scalar(
        select(func.count())
        .select_from(PendingPush)
        .join(
            Delivery,
            (Delivery.recipient_id == PendingPush.recipient_id) & (Delivery.seq == PendingPush.seq),
        )
        .where(PendingPush.recipient_id == agent.id, Delivery.state == State.QUEUED)
    )
    paused = lane is not None and lane.paused_at is not None
    leased = lane is not None and lane.lease_until is not None
    due_at = lane.due_at if lane is not None and not leased else None
    return GatewayStatus(
        gateway_kind=agent.gateway_kind,
        paused=paused,
        reason=lane.pause_reason if lane is not None else None,
        advice=lane.pause_advice if lane is not None else None,
        paused_at=lane.paused_at if lane is not None else None,
        failing_since=lane.failing_since if lane is not None else None,
        failures=lane.failures if lane is not None else 0,
        next_attempt_at=None if due_at == _NEVER else due_at,
        waiting=waiting or 0,
    )


async def pause(session: AsyncWriteSession, actor: Actor, agent_id: UUID) -> GatewayStatus:
    """Until somebody resumes it."""
    agent = await _pushed_to(session, actor, agent_id)
    paused = {
        "due_at": _NEVER,
        "held_until": _NEVER,
        "paused_at": db_now(),
        "pause_reason": BY_OWNER,
        "pause_advice": "Resume the gateway when it may be pushed to again.",
    }
    await _put_lane(session, agent.id, paused)
    activity.record(
        session,
        "gateway.paused",
        actor_id=actor.recorded_as,
        target_kind="agent",
        target_id=agent.id,
    )
    return await _status(session, agent)


async def resume(session: AsyncWriteSession, actor: Actor, agent_id: UUID) -> GatewayStatus:
    """Whatever it was paused for: it is tried at once."""
    agent = await _pushed_to(session, actor, agent_id)
    await unpause(session, agent.id)
    activity.record(
        session,
        "gateway.resumed",
        actor_id=actor.recorded_as,
        target_kind="agent",
        target_id=agent.id,
    )
    return await _status(session, agent)


async def _pushed_to(session: AsyncWriteSession, actor: Actor, agent_id: UUID) -> Agent:
    agent = await lock_own_agent(session, actor, agent_id)
    if agent.gateway_url is None:
        raise NoGateway
    return agent


async def unpause(session: AsyncWriteSession, agent_id: UUID) -> None:
    fresh = {
        "due_at": db_now(),
        "held_until": None,
        "failures": 0,
        "failing_since": None,
        "paused_at": None,
        "pause_reason": None,
        "pause_advice": None,
        "probes": 0,
    }
    await _put_lane(session, agent_id, fresh)
    await session.execute(
        update(PendingPush)
        .where(PendingPush.recipient_id == agent_id, PendingPush.due_at > db_now())
        .values(due_at=db_now())
        .execution_options(**_PLAINLY)
    )
    session.signal(SIGNAL)


async def _put_lane(
    session: AsyncWriteSession, agent_id: UUID, values: Mapping[str, object]
) -> None:
    row = {"agent_id": agent_id, "fence": 0, "failures": 0, "probes": 0, **values}
    await session.execute(upsert(session, Lane, row, unique=["agent_id"], change=list(values)))


async def make_due(session: AsyncWriteSession, agent_id: UUID) -> None:
    """The lane of what has just been added, unless it is held."""
    row = {"agent_id": agent_id, "due_at": db_now(), "fence": 0, "failures": 0, "probes": 0}
    await session.execute(insert_or_ignore(session, Lane, unique=["agent_id"]).values(row))
    await session.execute(
        update(Lane)
        .where(Lane.agent_id == agent_id)
        .values(due_at=case((Lane.held_until > db_now(), Lane.held_until), else_=db_now()))
        .execution_options(**_PLAINLY)
    )
    session.signal(SIGNAL)


def _as_pushes(agent: Agent, seqs: Sequence[int]) -> Select[object]:
    rank = case(
        *((Message.priority == name, number) for name, number in RANKS.items()), else_=SAME_RANK
    )
    return (
        select(
            Delivery.recipient_id,
            literal(SAME_RANK) if in_order(agent) else rank,
            Delivery.seq,
            Delivery.message_id,
            literal(0),
            db_now(),
            literal(value=False),
            Delivery.created_at,
        )
        .join(Message, Message.id == Delivery.message_id)
        .where(Delivery.recipient_id == agent.id, Delivery.seq.in_(seqs))
    )


async def push_all(session: AsyncWriteSession, agent: Agent, seqs: Sequence[int]) -> None:
    if not seqs:
        return
    unique = ["recipient_id", "rank", "seq"]
    names = [*unique, "message_id", "attempts", "due_at", "posting", "created_at"]
    statement = insert_or_ignore(session, PendingPush, unique=unique)
    await session.execute(statement.from_select(names, _as_pushes(agent, seqs)))


async def replay(session: AsyncWriteSession, actor: Actor, delivery_id: str) -> Delivery:
    found = parse_delivery_id(delivery_id)
    if found is None:
        raise DeliveryNotFound
    message_id, agent_id = found
    agent = await _own_recipient(session, actor, agent_id)
    statement = select(Delivery).where(
        Delivery.message_id == message_id, Delivery.recipient_id == agent.id
    )
    delivery = (await session.scalars(statement)).one_or_none()
    if delivery is None:
        raise DeliveryNotFound
    if not await _replay_some(session, agent, [delivery.seq]):
        raise NotFailed
    activity.record(
        session,
        "delivery.replayed",
        actor_id=actor.recorded_as,
        target_kind="message",
        target_id=message_id,
        agent=str(agent.id),
    )
    await session.refresh(delivery)
    return delivery


async def replay_since(
    session: AsyncWriteSession, actor: Actor, agent_id: UUID, since: datetime
) -> tuple[int, bool]:
    """How many, and whether there are more."""
    agent = await lock_own_agent(session, actor, agent_id)
    statement = (
        select(Delivery.seq)
        .where(
            Delivery.recipient_id == agent.id,
            Delivery.state == State.FAILED,
            Delivery.created_at >= since,
        )
        .order_by(Delivery.seq)
        .limit(MOST_REPLAYED + 1)
    )
    seqs = (await session.scalars(statement)).all()
    count = await _replay_some(session, agent, seqs[:MOST_REPLAYED])
    if count:
        activity.record(
            session,
            "delivery.replayed",
            actor_id=actor.recorded_as,
            target_kind="agent",
            target_id=agent.id,
            count=count,
        )
    return count, len(seqs) > MOST_REPLAYED


async def _own_recipient(session: AsyncWriteSession, actor: Actor, agent_id: UUID) -> Agent:
    agent = await session.get(Agent, agent_id)
    if agent is None or not actor.owns(agent.owner_id):
        raise DeliveryNotFound
    return await lock_own_agent(session, actor, agent_id)


async def _replay_some(session: AsyncWriteSession, agent: Agent, seqs: Sequence[int]) -> int:
    if agent.gateway_url is None:
        raise NoGateway
    # in the order in which the writer and the dispatcher lock
    await lock_inboxes(session, [agent.id])
    await make_due(session, agent.id)
    changed = await session.execute(
        update(Delivery)
        .where(
            Delivery.recipient_id == agent.id,
            Delivery.seq.in_(seqs),
            Delivery.state == State.FAILED,
        )
        .values(state=State.QUEUED, reason=None)
        .returning(*CHANGED, Delivery.seq)
        .execution_options(**_PLAINLY)
    )
    rows = changed.all()
    tell_changes(session, [row[:-1] for row in rows])
    again = [row.seq for row in rows]
    await push_all(session, agent, again)
    if again:
        await session.execute(
            update(Counter)
            .where(Counter.id == agent.id)
            .values(open=Counter.open + len(again))
            .execution_options(**_PLAINLY)
        )
    return len(again)


async def adopt_gateway(session: AsyncWriteSession, agent_id: UUID) -> None:
    """After a change of the gateway: all that is queued is pushed there, or nothing any more."""
    agent = await session.get(Agent, agent_id)
    await lock_inboxes(session, [agent_id])
    if agent is None or agent.gateway_url is None:
        await drop_pushes(session, agent_id)
        return
    lane = await session.get(Lane, agent_id)
    # what the owner has paused, nobody else resumes
    if lane is None or lane.pause_reason != BY_OWNER:
        await unpause(session, agent_id)
    await adopt_deliveries(session, agent)


async def adopt_the_rest(session: AsyncWriteSession, agent_id: UUID) -> None:
    """A batch of the writer may have asked for the gateway before it was changed, and been stored
    after that."""
    agent = await session.get(Agent, agent_id)
    await lock_inboxes(session, [agent_id])
    if agent is not None and agent.gateway_url is not None:
        await make_due(session, agent_id)
        await adopt_deliveries(session, agent)


async def adopt_deliveries(session: AsyncWriteSession, agent: Agent) -> None:
    agent_id = agent.id
    if in_order(agent):
        await session.execute(
            update(PendingPush)
            .where(PendingPush.recipient_id == agent_id, PendingPush.rank != SAME_RANK)
            .values(rank=SAME_RANK)
            .execution_options(**_PLAINLY)
        )
    # there may be a hundred thousand, and nobody else writes meanwhile: compared here, since a
    # database that looks for each of them may look through all of them each time
    pushed = select(PendingPush.seq).where(PendingPush.recipient_id == agent_id)
    known = set((await session.scalars(pushed)).all())
    queued = (
        select(Delivery.seq)
        .where(Delivery.recipient_id == agent_id, Delivery.state == State.QUEUED)
        .order_by(Delivery.seq)
    )
    missing = [seq for seq in (await session.scalars(queued)).all() if seq not in known]
    for seqs in batched(missing, _CHUNK):
        await push_all(session, agent, seqs)


async def drop_pushes(session: AsyncWriteSession, agent_id: UUID) -> None:
    """The lane stays: its fence must never begin anew."""
    await session.execute(
        update(Lane)
        .where(Lane.agent_id == agent_id)
        .values(
            due_at=None,
            held_until=None,
            failures=0,
            failing_since=None,
            paused_at=None,
            pause_reason=None,
            pause_advice=None,
            probes=0,
        )
        .execution_options(**_PLAINLY)
    )
    await session.execute(
        delete(PendingPush)
        .where(PendingPush.recipient_id == agent_id)
        .execution_options(**_PLAINLY)
    )


async def list_attempts(
    session: AsyncReadSession, actor: Actor, delivery_id: str
) -> Sequence[Attempt]:
    found = parse_delivery_id(delivery_id)
    agent = await session.get(Agent, found[1]) if found else None
    if found is None or agent is None or not actor.owns(agent.owner_id):
        raise DeliveryNotFound
    statement = select(Attempt).where(
        Attempt.message_id == found[0], Attempt.recipient_id == found[1]
    )
    return (await session.scalars(statement.order_by(Attempt.number, Attempt.id))).all()


async def pending(
    session: AsyncReadSession, deliveries: Sequence[Delivery]
) -> dict[tuple[UUID, int], tuple[datetime | None, str | None]]:
    """When they are tried next and why not before, of those that are waiting to be pushed."""
    queued = [each for each in deliveries if each.state is State.QUEUED]
    if not queued:
        return {}
    keys = [(each.recipient_id, rank, each.seq) for each in queued for rank in RANKS.values()]
    statement = (
        select(
            PendingPush.recipient_id,
            PendingPush.seq,
            PendingPush.due_at,
            Lane.held_until,
            Lane.pause_reason,
        )
        .outerjoin(Lane, Lane.agent_id == PendingPush.recipient_id)
        .where(tuple_(PendingPush.recipient_id, PendingPush.rank, PendingPush.seq).in_(keys))
    )
    found: dict[tuple[UUID, int], tuple[datetime | None, str | None]] = {}
    for recipient_id, seq, due_at, held_until, reason in await session.execute(statement):
        at = max(due_at, held_until) if held_until is not None else due_at
        found[recipient_id, seq] = (None if at == _NEVER else at), reason
    return found
