"""What was said in rooms."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, exists, or_, select
from sqlalchemy.orm import aliased

from hubbub.agents.models import Agent, Block
from hubbub.agents.types import Actor, Kind
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.messages.models import Message, RoomMessage
from hubbub.messages.queries.visible import is_still_said, visible
from hubbub.rooms.models import Room, RoomMember
from hubbub.rooms.queries import readable_from


async def first_readable(session: AsyncReadSession, actor: Actor, room_id: UUID) -> int | None:
    """The number from which on this one may read the room; None: not at all."""
    rooms = readable_from(actor).subquery()
    return await session.scalar(select(rooms.c.from_seq).where(rooms.c.room_id == room_id))


type Said = Row[int, Message, str, bool]
"""The number, the message, its sender's handle, and whether it is still said."""


def _said(room_id: UUID, after: int) -> Select[int, Message, str, bool]:
    return (
        select(RoomMessage.seq, Message, Agent.handle, is_still_said())
        .join(Message, Message.id == RoomMessage.message_id)
        .join(Agent, Agent.id == Message.sender_id)
        .where(RoomMessage.room_id == room_id, RoomMessage.seq > after)
    )


async def read_room(
    session: AsyncReadSession, room_id: UUID, *, after: int, limit: int
) -> Sequence[Said]:
    """In the room's order. From which number on the reader may read, `first_readable` has said."""
    statement = _said(room_id, after).order_by(RoomMessage.seq).limit(limit)
    return (await session.execute(statement)).all()


async def read_room_back(
    session: AsyncReadSession, room_id: UUID, *, after: int, before: int, limit: int
) -> Sequence[Said]:
    """The last ones before a number, in the room's order as well."""
    statement = _said(room_id, after).where(RoomMessage.seq < before)
    statement = statement.order_by(RoomMessage.seq.desc()).limit(limit)
    return (await session.execute(statement)).all()[::-1]


async def list_room(
    session: AsyncReadSession,
    actor: Actor,
    room_id: UUID,
    where: Sequence[ColumnElement[bool]],
    *,
    first: int,
    before: int | None,
    limit: int,
) -> Sequence[Row[int, Message, str]]:
    """What is said there and still seen, the last first."""
    statement = (
        select(RoomMessage.seq, Message, Agent.handle)
        .join(Message, Message.id == RoomMessage.message_id)
        .join(Agent, Agent.id == Message.sender_id)
        .where(RoomMessage.room_id == room_id, RoomMessage.seq >= first, visible(actor), *where)
        .order_by(RoomMessage.seq.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(RoomMessage.seq < before)
    return (await session.execute(statement)).all()


class Mention(NamedTuple):
    owner_id: UUID
    mentioned: str
    sender: str
    room: str
    seq: int


async def find_mention(
    session: AsyncReadSession, message_id: UUID, participant_id: UUID
) -> Mention | None:
    """For telling the owner, where nobody is looking: of what is still there, to one who is still
    in the room, and who hasn't blocked the sender. Nobody is told of what they wrote themselves."""
    sender = aliased(Agent)
    is_blocked = exists().where(
        Block.agent_id == participant_id, Block.blocked_id == Message.sender_id
    )
    statement = (
        select(Agent.owner_id, Agent.handle, sender.handle, Room.name, RoomMessage.seq)
        .select_from(Message)
        .join(RoomMessage, RoomMessage.message_id == Message.id)
        .join(Room, Room.id == RoomMessage.room_id)
        .join(RoomMember, RoomMember.room_id == Room.id)
        .join(Agent, Agent.id == RoomMember.participant_id)
        .join(sender, sender.id == Message.sender_id)
        .where(
            Message.id == message_id,
            is_still_said(),
            RoomMember.participant_id == participant_id,
            Agent.deleted_at.is_(None),
            or_(sender.kind != Kind.PERSON, sender.owner_id.is_distinct_from(Agent.owner_id)),
            ~is_blocked,
        )
    )
    found = (await session.execute(statement)).one_or_none()
    if found is None:
        return None
    owner_id, mentioned, said_by, room, seq = found
    return None if owner_id is None else Mention(owner_id, mentioned, said_by, room, seq)
