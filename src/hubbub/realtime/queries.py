"""What a stream shows. Whoever looks comes first."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Row, select

from hubbub.agents.models import Agent
from hubbub.agents.types import Actor
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.messages.models import Message, RoomMessage
from hubbub.rooms.queries import readable_from


async def first_readable(session: AsyncReadSession, actor: Actor, room_id: UUID) -> int | None:
    """The first number of the room that the caller may read; None for who is no member."""
    rights = readable_from(actor).subquery()
    statement = select(rights.c.from_seq).where(rights.c.room_id == room_id)
    return await session.scalar(statement)


async def read_room(
    session: AsyncReadSession, room_id: UUID, after: int, limit: int
) -> Sequence[Row[int, Message, str]]:
    """For somebody who may: `first_readable` says from where on."""
    statement = (
        select(RoomMessage.seq, Message, Agent.handle)
        .join(Message, Message.id == RoomMessage.message_id)
        .join(Agent, Agent.id == Message.sender_id)
        .where(RoomMessage.room_id == room_id, RoomMessage.seq > after)
        .order_by(RoomMessage.seq)
        .limit(limit)
    )
    return (await session.execute(statement)).all()
