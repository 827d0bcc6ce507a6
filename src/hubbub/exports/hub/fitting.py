"""What the database doesn't check by itself: the tables of messages have no foreign keys, and the
numbers of inboxes and rooms go on behind the last one that was given."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute

from hubbub.agents.models import Agent
from hubbub.kit.db.bulk import Bulk
from hubbub.kit.db.counter import Counter
from hubbub.messages.models import Delivery, Message, RoomMessage
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
    yield "an inbox has a number below 1", _below(Delivery.recipient_id, Delivery.seq)
    yield "a room has a number below 1", _below(RoomMessage.room_id, RoomMessage.seq)
    yield "an inbox has a number behind its last one", _beyond(Delivery.recipient_id, Delivery.seq)
    yield "a room has a number behind its last one", _beyond(RoomMessage.room_id, RoomMessage.seq)


def _unknown(column: InstrumentedAttribute[Any], known: InstrumentedAttribute[Any]) -> Found:
    return select(column).where(~exists().where(known == column))


def _below(holder: InstrumentedAttribute[Any], seq: InstrumentedAttribute[int]) -> Found:
    return select(holder).where(seq < 1)


def _beyond(holder: InstrumentedAttribute[Any], seq: InstrumentedAttribute[int]) -> Found:
    last = select(holder.label("id"), func.max(seq).label("seq")).group_by(holder).subquery()
    fits = exists().where(Counter.id == last.c.id, Counter.last_seq >= last.c.seq)
    return select(last.c.id).where(~fits)
