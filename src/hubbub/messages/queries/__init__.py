"""Statements and finders."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import Row, exists, func, select
from sqlalchemy.orm import aliased

from hubbub.agents.models import Agent
from hubbub.agents.queries import spoken_for
from hubbub.agents.types import Actor
from hubbub.kit.db.counter import Counter
from hubbub.kit.db.dialect import db_now
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.messages.models import Delivery, Epoch, FanOut, Message
from hubbub.messages.queries.visible import in_thread, mine, visible
from hubbub.messages.types import OPEN, State


async def find_message(
    session: AsyncReadSession, actor: Actor, message_id: UUID
) -> Row[Message, str] | None:
    """With the handle of its sender."""
    sender = aliased(Agent)
    statement = (
        select(Message, sender.handle)
        .join(sender, sender.id == Message.sender_id)
        .where(Message.id == message_id, visible(actor))
    )
    return (await session.execute(statement)).one_or_none()


async def owns(session: AsyncReadSession, actor: Actor, participant_id: UUID) -> bool:
    """Whether this one may speak and read as that participant."""
    statement = select(exists().where(Agent.id == participant_id, Agent.id.in_(mine(actor))))
    return bool(await session.scalar(statement))


async def owned(session: AsyncReadSession, actor: Actor, ids: Iterable[UUID]) -> set[UUID]:
    """Those of these participants that this one may speak as."""
    return set(await session.scalars(spoken_for(actor).where(Agent.id.in_(ids))))


async def list_thread(
    session: AsyncReadSession, actor: Actor, thread_id: UUID, limit: int
) -> Sequence[Row[Message, str]]:
    sender = aliased(Agent)
    statement = (
        select(Message, sender.handle)
        .join(sender, sender.id == Message.sender_id)
        .where(in_thread(thread_id), visible(actor))
        .order_by(Message.id)
        .limit(limit)
    )
    return (await session.execute(statement)).all()


async def find_sent(
    session: AsyncReadSession, message_ids: Sequence[UUID]
) -> Sequence[Row[Message, str]]:
    """For a sender who has just proved by the keys that they are theirs."""
    statement = (
        select(Message, Agent.handle)
        .join(Agent, Agent.id == Message.sender_id)
        .where(Message.id.in_(message_ids))
    )
    return (await session.execute(statement)).all()


async def is_delivered(session: AsyncReadSession, message_id: UUID) -> bool:
    """Whether there is anybody who got it, or was to get it."""
    statement = select(exists().where(Delivery.message_id == message_id))
    return bool(await session.scalar(statement))


async def fan_outs(session: AsyncReadSession, message_ids: Sequence[UUID]) -> dict[UUID, FanOut]:
    """Of messages that a finder has given, those that were not delivered at once."""
    found = await session.scalars(select(FanOut).where(FanOut.message_id.in_(message_ids)))
    return {each.message_id: each for each in found}


async def is_fan_out_due(session: AsyncReadSession) -> bool:
    statement = select(exists().where(FanOut.done_at.is_(None), FanOut.due_at <= db_now()))
    return bool(await session.scalar(statement))


async def owners_of_senders(session: AsyncReadSession, message_ids: Sequence[UUID]) -> set[UUID]:
    """For telling them, where nobody is looking."""
    statement = (
        select(Agent.owner_id)
        .join(Message, Message.sender_id == Agent.id)
        .where(Message.id.in_(message_ids), Agent.owner_id.is_not(None))
    )
    return set(await session.scalars(statement))


async def counter_of(session: AsyncReadSession, inbox_id: UUID) -> Counter:
    """An inbox that nothing has come to yet has numbers too."""
    found = await session.get(Counter, inbox_id)
    return found or Counter(id=inbox_id, last_seq=0, first_seq=1, open=0)


async def epoch_of(session: AsyncReadSession) -> str:
    return (await session.scalars(select(Epoch.value).where(Epoch.id == 1))).one()


async def read_inbox(
    session: AsyncReadSession, inbox_id: UUID, after: int, limit: int, state: State | None
) -> Sequence[Row[Delivery, Message, str]]:
    statement = (
        select(Delivery, Message, Agent.handle)
        .join(Message, Message.id == Delivery.message_id)
        .join(Agent, Agent.id == Delivery.sender_id)
        .where(Delivery.recipient_id == inbox_id, Delivery.seq > after)
        .order_by(Delivery.seq)
        .limit(limit)
    )
    if state is not None:
        statement = statement.where(Delivery.state == state)
    return (await session.execute(statement)).all()


async def count_inbox(session: AsyncReadSession, inbox_id: UUID) -> tuple[int, int]:
    """How many entries there are, and how many of them are unread."""
    statement = select(
        func.count(),
        func.count().filter(Delivery.read_at.is_(None), Delivery.state.in_(OPEN)),
    ).where(Delivery.recipient_id == inbox_id)
    row = (await session.execute(statement)).one()
    return row[0], row[1]
