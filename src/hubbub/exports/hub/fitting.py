"""What the database doesn't check by itself: the tables of messages have no foreign keys, and the
numbers of inboxes and rooms go on behind the last one that was given. That none is missing in
between was seen as they came."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute

from hubbub.agents.models import Agent
from hubbub.kit.db.bulk import Bulk
from hubbub.kit.db.counter import Counter
from hubbub.messages.models import Delivery, Message, RoomMessage
from hubbub.messages.types import OPEN
from hubbub.rooms.models import Room

type Found = Select[*tuple[Any, ...]]


async def misfits(bulk: Bulk) -> str | None:
    """The first thing that doesn't fit, as a sentence."""
    for sentence, statement in _questions():
        if await bulk.rows(statement.limit(1)):
            return sentence
    return None


def _questions() -> Iterator[tuple[str, Found]]:
    yield "a message is of a sender who isn't in the file", _unknown(Message.sender_id, Agent.id)
    yield (
        "a delivery is to somebody who isn't in the file",
        _unknown(Delivery.recipient_id, Agent.id),
    )
    yield "a delivery is of a sender who isn't in the file", _unknown(Delivery.sender_id, Agent.id)
    yield (
        "a delivery is of a message that isn't in the file",
        _unknown(Delivery.message_id, Message.id),
    )
    yield (
        "something was said in a room that isn't in the file",
        _unknown(RoomMessage.room_id, Room.id),
    )
    yield (
        "a message is of a room that isn't in the file",
        _unknown(Message.room_id, Room.id).where(Message.room_id.is_not(None)),
    )
    yield "a counter is of no inbox and no room", _of_nobody()
    yield "something has a number in an inbox or a room without a counter", _uncounted()
    yield "an inbox or a room ends at another number than its counter", _ends_elsewhere()
    yield "the counter of an inbox says another number of open entries", _other_open()


def _unknown(column: InstrumentedAttribute[Any], known: InstrumentedAttribute[Any]) -> Found:
    return select(column).where(~exists().where(known == column))


def _of_nobody() -> Found:
    return select(Counter.id).where(
        ~exists().where(Agent.id == Counter.id), ~exists().where(Room.id == Counter.id)
    )


def _entries() -> Subquery:
    """Of each inbox and each room the last number, and how many are open."""
    opened = func.count().filter(Delivery.state.in_(OPEN))
    inboxes = _grouped(Delivery.recipient_id, Delivery.seq, opened)
    rooms = _grouped(RoomMessage.room_id, RoomMessage.seq, literal(0))
    return union_all(inboxes, rooms).subquery()


def _grouped(
    holder: InstrumentedAttribute[Any], seq: InstrumentedAttribute[int], opened: ColumnElement[int]
) -> Found:
    columns = (holder.label("id"), func.max(seq).label("last"), opened.label("open"))
    return select(*columns).group_by(holder)


def _uncounted() -> Found:
    entries = _entries()
    return select(entries.c.id).where(~exists().where(Counter.id == entries.c.id))


def _ends_elsewhere() -> Found:
    """Where all was forgotten, nothing is left of the last one."""
    entries = _entries()
    last = func.coalesce(entries.c.last, 0)
    kept = Counter.last_seq >= Counter.first_seq
    return (
        select(Counter.id)
        .outerjoin(entries, entries.c.id == Counter.id)
        .where(or_(last > Counter.last_seq, and_(last < Counter.last_seq, kept)))
    )


def _other_open() -> Found:
    entries = _entries()
    return (
        select(Counter.id)
        .outerjoin(entries, entries.c.id == Counter.id)
        .where(func.coalesce(entries.c.open, 0) != Counter.open)
    )
