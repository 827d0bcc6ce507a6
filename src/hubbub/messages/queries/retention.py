"""What is older than a hub keeps it. Nobody looks at it here: it is counted and taken away."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, select, union_all

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


async def outdated_prefix(
    session: AsyncReadSession, stream_id: UUID, before: datetime, most: int
) -> tuple[int, int]:
    """The number of its first entry, and that of the first one that stays after so many are gone.
    What is over stays so, and no number comes in between: it can be acted on later."""
    counter = await session.get(Counter, stream_id)
    assert counter is not None  # noqa: S101 - they are never deleted
    entries = (
        select(Delivery.seq, _is_over(before))
        .where(Delivery.recipient_id == stream_id)
        .order_by(Delivery.seq)
        .limit(most)
    )
    said = (
        select(RoomMessage.seq, _was_said(before))
        .join(Message, Message.id == RoomMessage.message_id)
        .where(RoomMessage.room_id == stream_id)
        .order_by(RoomMessage.seq)
        .limit(most)
    )
    until = counter.first_seq
    for statement in (entries, said):
        for seq, is_over in await session.execute(statement):
            if not is_over:
                break
            until = seq + 1
    return counter.first_seq, until


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
