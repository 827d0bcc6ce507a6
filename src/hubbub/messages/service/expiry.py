"""What ends by time: single messages that expire, and inboxes that are kept for so long only."""

from collections import Counter as Tally
from collections.abc import Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import Table, bindparam, case, delete, exists, select, tuple_, update
from sqlalchemy.orm import DeclarativeBase

from hubbub.activity import service as activity
from hubbub.files.service.attaching import detach
from hubbub.kit.db import search
from hubbub.kit.db.base import Big
from hubbub.kit.db.counter import Counter
from hubbub.kit.db.database import Database
from hubbub.kit.db.dialect import db_now
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.messages.models import MESSAGE, Attempt, Delivery, FanOut, Message, RoomMessage
from hubbub.messages.queries import retention
from hubbub.messages.queries.listing import SEARCH_KIND
from hubbub.messages.service.changes import CHANGED, tell_changes
from hubbub.messages.service.inbox import close, lock_inboxes
from hubbub.messages.types import OPEN, State


def _table(model: type[DeclarativeBase]) -> Table:
    return cast("Table", model.__table__)


_CHUNK = 500
_PLAINLY = {"synchronize_session": False}
_STREAMS = 50
_over = Delivery.expires_at <= db_now()

_of, _until = bindparam("of", type_=Delivery.recipient_id.type), bindparam("until", type_=Big)
# the counter before the entries, in the order in which all lock them. What has been replayed since
# it was looked at is over no more, and stays.
_FORGET = (
    update(_table(Counter))
    .where(Counter.id == _of, Counter.first_seq < _until)
    .values(first_seq=_until),
    delete(_table(Delivery)).where(
        Delivery.recipient_id == _of,
        Delivery.seq < _until,
        # one by one: many rows at once take no list
        *(Delivery.state != state for state in OPEN),
    ),
    delete(_table(RoomMessage)).where(RoomMessage.room_id == _of, RoomMessage.seq < _until),
)


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
    some = (await session.execute(select(*keys).where(_over).order_by(*keys).limit(_CHUNK))).all()
    await lock_inboxes(session, [row[0] for row in some])
    picked = select(*keys, Delivery.state).where(_over, tuple_(*keys).in_([tuple(r) for r in some]))
    # another process may have been quicker: then there is less to do, or nothing
    rows = (await session.execute(picked.with_for_update())).all()
    ended = case((Delivery.state.in_((*OPEN, State.FAILED)), State.EXPIRED), else_=Delivery.state)
    changed = await session.execute(
        update(Delivery)
        .where(tuple_(*keys).in_([(row[0], row[1]) for row in rows]))
        # the time has done its work: without it the row is found no more by who looks for such
        .values(state=ended, expires_at=None)
        .returning(*CHANGED)
        .execution_options(synchronize_session=False)
    )
    tell_changes(session, [row for row in changed.all() if row.state is State.EXPIRED])
    closed = Tally(row[0] for row in rows if row[2] in OPEN)
    for inbox_id in sorted(closed):
        await close(session, inbox_id, closed[inbox_id])


async def forget(database: Database, before: datetime) -> None:
    """Takes away what was final before that time: from each inbox and each room a prefix, and then
    the messages that nothing leads to any more. What waits for an ack stops the prefix.

    Where there is nothing to take away, nobody's turn at writing is taken.
    """
    act = _Act(before)
    async with database.read() as session:
        streams = await retention.outdated_streams(session, before)
    for start in range(0, len(streams), _STREAMS):
        some = streams[start : start + _STREAMS]
        while some:
            some = await _forget_some(database, some, before, act)
    seen: UUID | None = None
    while True:
        async with database.read() as session:
            looked_at, forgotten = await retention.outdated_messages(session, before, seen, _CHUNK)
        if forgotten:
            async with database.write() as session:
                await _forget_messages(session, forgotten)
                act.record(session)
        if len(looked_at) < _CHUNK:
            return
        seen = looked_at[-1]


class _Act:
    """Written down once, with the first that is taken away, however many transactions it takes."""

    def __init__(self, before: datetime) -> None:
        self._before = before
        self._is_recorded = False

    def record(self, session: AsyncWriteSession) -> None:
        if not self._is_recorded:
            before = self._before.isoformat()
            activity.record(session, "messages.forgotten", actor_id=None, before=before)
            self._is_recorded = True


async def _forget_some(
    database: Database, streams: Sequence[UUID], before: datetime, act: _Act
) -> Sequence[UUID]:
    """Of inboxes and rooms, which have no id in common, in one turn at writing. Returns those of
    which there may be more to forget."""
    each = _CHUNK // len(streams)
    async with database.read() as session:
        prefixes = await retention.outdated_prefixes(session, streams, before, each)
    if prefixes:
        rows = [{"of": prefix.stream_id, "until": prefix.until} for prefix in prefixes]
        async with database.write() as session:
            connection = await session.connection()
            for statement in _FORGET:
                await connection.execute(statement, rows)
            act.record(session)
    return [prefix.stream_id for prefix in prefixes if prefix.length == each]


async def _forget_messages(session: AsyncWriteSession, ids: Sequence[UUID]) -> None:
    told = (Message, Message.id), (FanOut, FanOut.message_id), (Attempt, Attempt.message_id)
    for table, key in told:
        await session.execute(delete(table).where(key.in_(ids)), execution_options=_PLAINLY)
    await detach(session, MESSAGE, ids)
    await search.remove_many(session, SEARCH_KIND, ids)
