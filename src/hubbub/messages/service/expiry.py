"""What ends by time: single messages that expire, and inboxes that are kept for so long only."""

from collections import Counter as Tally
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, delete, exists, func, or_, select, tuple_, update

from hubbub.kit.db import search
from hubbub.kit.db.counter import Counter
from hubbub.kit.db.database import Database
from hubbub.kit.db.dialect import db_now
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.ids import first_id_at
from hubbub.messages.models import Attempt, Delivery, FanOut, Message, RoomMessage
from hubbub.messages.queries.listing import SEARCH_KIND
from hubbub.messages.service.inbox import close
from hubbub.messages.types import OPEN, State

_CHUNK = 500
_PLAINLY = {"synchronize_session": False}
_over = Delivery.expires_at <= db_now()


async def expire(database: Database) -> None:
    """Turns what is over by now into tombstones. Looks first: mostly there is nothing."""
    while await _anything_over(database):
        async with database.write() as session:
            await _expire_some(session)


async def _anything_over(database: Database) -> bool:
    async with database.read() as session:
        return bool(await session.scalar(select(exists().where(_over))))


async def _expire_some(session: AsyncWriteSession) -> None:
    keys = (Delivery.recipient_id, Delivery.seq)
    picked = select(*keys, Delivery.state).where(_over).order_by(*keys).limit(_CHUNK)
    rows = (await session.execute(picked.with_for_update(skip_locked=True))).all()
    ended = case((Delivery.state.in_((*OPEN, State.FAILED)), State.EXPIRED), else_=Delivery.state)
    await session.execute(
        update(Delivery)
        .where(tuple_(*keys).in_([(row[0], row[1]) for row in rows]))
        # the time has done its work: without it the row is found no more by who looks for such
        .values(state=ended, expires_at=None)
        .execution_options(synchronize_session=False)
    )
    closed = Tally(row[0] for row in rows if row[2] in OPEN)
    for inbox_id in sorted(closed):
        await close(session, inbox_id, closed[inbox_id])


async def forget(database: Database, before: datetime) -> None:
    """Takes away what was final before that time: from each inbox and each room a prefix, and then
    the messages that nothing leads to any more. What waits for an ack stops the prefix."""
    async with database.read() as session:
        streams = (await session.scalars(select(Counter.id).order_by(Counter.id))).all()
    for stream_id in streams:
        while await _forget_some(database, stream_id, before) == _CHUNK:
            pass
    while await _forget_messages(database, before) == _CHUNK:
        pass


async def _forget_some(database: Database, stream_id: UUID, before: datetime) -> int:
    """Of an inbox or a room; the one table has nothing of what is in the other."""
    kept = or_(Delivery.created_at >= before, Delivery.state.in_(OPEN))
    first_entry = select(func.min(Delivery.seq)).where(Delivery.recipient_id == stream_id, kept)
    recent = RoomMessage.message_id >= first_id_at(before)
    first_said = select(func.min(RoomMessage.seq)).where(RoomMessage.room_id == stream_id, recent)
    async with database.write() as session:
        counter = await session.get(Counter, stream_id, with_for_update=True)
        assert counter is not None  # noqa: S101 - they are never deleted
        first: int = await session.scalar(
            select(
                func.coalesce(
                    first_entry.scalar_subquery(),
                    first_said.scalar_subquery(),
                    counter.last_seq + 1,
                )
            )
        )
        until = min(first, counter.first_seq + _CHUNK)
        count = until - counter.first_seq
        if count > 0:
            counter.first_seq = until
            entries = delete(Delivery).where(Delivery.recipient_id == stream_id)
            said = delete(RoomMessage).where(RoomMessage.room_id == stream_id)
            await session.execute(entries.where(Delivery.seq < until), execution_options=_PLAINLY)
            await session.execute(said.where(RoomMessage.seq < until), execution_options=_PLAINLY)
    return count


async def _forget_messages(database: Database, before: datetime) -> int:
    statement = (
        select(Message.id)
        .where(
            Message.id < first_id_at(before),
            ~exists().where(Delivery.message_id == Message.id),
            ~exists().where(RoomMessage.message_id == Message.id),
            ~exists().where(FanOut.message_id == Message.id, FanOut.done_at.is_(None)),
        )
        .order_by(Message.id)
        .limit(_CHUNK)
    )
    async with database.write() as session:
        ids = (await session.scalars(statement)).all()
        for table, key in ((Message, Message.id), (FanOut, FanOut.message_id)):
            await session.execute(
                delete(table).where(key.in_(ids)).execution_options(synchronize_session=False)
            )
        await session.execute(
            delete(Attempt).where(Attempt.message_id.in_(ids)), execution_options=_PLAINLY
        )
        await search.remove_many(session, SEARCH_KIND, ids)
    return len(ids)
