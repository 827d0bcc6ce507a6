"""Who sees which messages: this file says it, and nothing else does.

A message is seen by who sent it, by who got it, by who is in the room where it was said, and by the
owners of these. One that expired or was withdrawn was never got, or isn't said any more: its place
in the inbox, and in the room, is all that is left of it there. Admins see that it is there, through
other doors.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    Subquery,
    and_,
    exists,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute

from hubbub.agents.models import Agent
from hubbub.agents.types import Actor
from hubbub.kit.db.dialect import db_now
from hubbub.kit.db.lateral import for_each
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.messages.models import Delivery, Message, RoomMessage
from hubbub.messages.types import TOMBSTONES
from hubbub.rooms.queries import readable_from


def mine(actor: Actor) -> Select[UUID]:
    """The participants through whose eyes this one sees."""
    if not actor.is_user:
        return select(Agent.id).where(Agent.id == actor.participant_id)
    return select(Agent.id).where(Agent.owner_id == actor.owner_id)


def visible(actor: Actor) -> ColumnElement[bool]:
    """Whether this one sees the message of a row."""
    eyes = mine(actor).scalar_subquery()
    received = exists().where(
        Delivery.message_id == Message.id,
        Delivery.recipient_id.in_(eyes),
        Delivery.state.not_in(TOMBSTONES),
    )
    rooms = readable_from(actor).subquery()
    said = exists().where(
        RoomMessage.message_id == Message.id,
        RoomMessage.room_id == rooms.c.room_id,
        RoomMessage.seq >= rooms.c.from_seq,
    )
    return or_(
        Message.sender_id.in_(eyes),
        received,
        and_(Message.room_id.is_not(None), is_still_said(), said),
    )


def seen(actor: Actor) -> CompoundSelect[UUID]:
    """The same from the other side, for who wants all of it: the ids of what this one sees, read
    from their inboxes and rooms, however much there is of others."""
    eyes = mine(actor)
    rooms = readable_from(actor).subquery()
    received = select(Delivery.message_id).where(
        Delivery.recipient_id.in_(eyes), Delivery.state.not_in(TOMBSTONES)
    )
    said = (
        select(RoomMessage.message_id)
        .join(rooms, rooms.c.room_id == RoomMessage.room_id)
        .join(Message, Message.id == RoomMessage.message_id)
        .where(RoomMessage.seq >= rooms.c.from_seq, Message.room_id.is_not(None), is_still_said())
    )
    return union_all(select(Message.id).where(Message.sender_id.in_(eyes)), received, said)


def sees_message(actor: Actor, message_id: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    """The same of the message with the id in a column."""
    return exists().where(Message.id == message_id, visible(actor))


def is_still_said() -> ColumnElement[bool]:
    """Neither withdrawn nor expired."""
    return and_(
        Message.withdrawn_at.is_(None),
        or_(Message.expires_at.is_(None), Message.expires_at > db_now()),
    )


def in_thread(thread_id: UUID) -> ColumnElement[bool]:
    """The message that a thread began with, and the replies: these alone are in the index."""
    replies = and_(Message.reply_to.is_not(None), Message.thread_id == thread_id)
    return or_(Message.id == thread_id, replies)


def newest_of(
    session: AsyncReadSession,
    eyes: Select[UUID],
    where: Sequence[ColumnElement[bool]],
    before: UUID | None,
    limit: int,
    *,
    tombstones: bool = False,
) -> Subquery:
    """The same, from the other side: ids of the newest messages that these participants see. Of
    each of them no more is read than fits on the page, however much there is of others."""
    each = eyes.subquery()
    sent = select(Message.id).where(Message.sender_id == each.c.id, *where)
    received = select(Delivery.message_id.label("id")).where(Delivery.recipient_id == each.c.id)
    if not tombstones:
        received = received.where(Delivery.state.not_in(TOMBSTONES))
    if where:
        received = received.join(Message, Message.id == Delivery.message_id).where(*where)
    if before is not None:
        sent = sent.where(Message.id < before)
        received = received.where(Delivery.message_id < before)
    sent = sent.order_by(Message.id.desc()).limit(limit)
    received = received.order_by(Delivery.message_id.desc()).limit(limit)
    found = [for_each(session, each, one) for one in (sent, received)]
    return union(*(select(one.c.id) for one in found)).subquery()


def scope_of(holder_id: UUID | str) -> str:
    """The word under which the messages of a participant or a room stand in the search index."""
    return f"p{str(holder_id).replace('-', '')}"


OF_MANY = "pmany"
"""The word for those that have more participants than can be named there."""
