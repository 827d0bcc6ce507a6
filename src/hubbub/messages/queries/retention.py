"""What is older than a hub keeps it. Nobody looks at it here: it is counted and taken away."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, func, not_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute

from hubbub.kit.db.counter import Counter
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.kit.ids import first_id_at
from hubbub.messages.models import Delivery, FanOut, Message, RoomMessage
from hubbub.messages.types import OPEN


def _is_over(before: datetime) -> ColumnElement[bool]:
    return and_(Delivery.created_at < before, Delivery.state.not_in(OPEN))


def _was_said(before: datetime) -> ColumnElement[bool]:
    return and_(
        Message.id < first_id_at(before),
        func.coalesce(Message.deliver_at, Message.created_at) < before,
    )


async def outdated_streams(session: AsyncReadSession, before: datetime) -> Sequence[UUID]:
    """The inboxes and rooms whose first entry is to go: one look at one entry of each."""
    inboxes = (
        select(Counter.id)
        .join(
            Delivery, and_(Delivery.recipient_id == Counter.id, Delivery.seq == Counter.first_seq)
        )
        .where(_is_over(before))
    )
    rooms = (
        select(Counter.id)
        .join(
            RoomMessage,
            and_(RoomMessage.room_id == Counter.id, RoomMessage.seq == Counter.first_seq),
        )
        .join(Message, Message.id == RoomMessage.message_id)
        .where(_was_said(before))
    )
    return (await session.scalars(union_all(inboxes, rooms))).all()


class Prefix(NamedTuple):
    """So many entries of a stream, up to the number that stays."""

    stream_id: UUID
    until: int
    length: int


async def outdated_prefixes(
    session: AsyncReadSession, streams: Sequence[UUID], before: datetime, most: int
) -> list[Prefix]:
    """Of each stream at most so many entries. No number comes in between, and what is over stays
    so unless it is replayed: whoever acts on this later passes by what isn't over any more."""
    entries = _prefixes(Delivery.recipient_id, Delivery.seq, _is_over(before), most)
    said = _prefixes(RoomMessage.room_id, RoomMessage.seq, _was_said(before), most).join(
        Message, Message.id == RoomMessage.message_id
    )
    found: list[Prefix] = []
    for statement in (entries, said):
        rows = await session.execute(statement.where(Counter.id.in_(streams)))
        for stream_id, first, until in rows:
            if until > first:
                found.append(Prefix(stream_id, until, until - first))
    return sorted(found)


def _prefixes(
    stream: InstrumentedAttribute[UUID],
    seq: InstrumentedAttribute[int],
    is_over: ColumnElement[bool],
    most: int,
) -> Select[UUID, int, int]:
    """The number that each begins with, and that of the first one that stays, or wasn't looked at
    any more."""
    stays = func.min(seq).filter(not_(is_over))
    return (
        select(Counter.id, Counter.first_seq, func.coalesce(stays, func.max(seq) + 1))
        .select_from(Counter)
        .join(stream.class_, and_(stream == Counter.id, seq < Counter.first_seq + most))
        .group_by(Counter.id, Counter.first_seq)
    )


async def outdated_messages(
    session: AsyncReadSession, before: datetime, after: UUID | None, limit: int
) -> tuple[Sequence[UUID], Sequence[UUID]]:
    """The next old messages, and those of them that nothing leads to any more."""
    old = select(Message.id).where(Message.id < first_id_at(before)).order_by(Message.id)
    if after is not None:
        old = old.where(Message.id > after)
    looked_at = (await session.scalars(old.limit(limit))).all()
    left = select(Message.id).where(
        Message.id.in_(looked_at),
        ~exists().where(Delivery.message_id == Message.id),
        ~exists().where(RoomMessage.message_id == Message.id),
        ~exists().where(FanOut.message_id == Message.id, FanOut.done_at.is_(None)),
    )
    return looked_at, (await session.scalars(left)).all()
