"""Finding a room and what one may do in it, in one step."""

from uuid import UUID

from hubbub.agents.types import Actor
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.rooms import queries
from hubbub.rooms.errors import NotRoomOwner, RoomDeleted, RoomNotFound
from hubbub.rooms.models import Room
from hubbub.rooms.types import MemberRole


async def get_room(session: AsyncReadSession, actor: Actor, room_id: UUID) -> Room:
    room = await queries.find_room(session, actor, room_id)
    if room is None:
        raise RoomNotFound
    return room


async def lock_open_room(session: AsyncWriteSession, actor: Actor, room_id: UUID) -> Room:
    room = await queries.lock_room(session, actor, room_id)
    if room is None:
        raise RoomNotFound
    if room.deleted_at is not None:
        raise RoomDeleted
    return room


async def lock_as_owner(
    session: AsyncWriteSession, actor: Actor, room_id: UUID, *, or_admin: bool = False
) -> Room:
    """For whom the room, or an agent of theirs, has as an owner."""
    room = await lock_open_room(session, actor, room_id)
    if not (or_admin and actor.is_user and actor.viewer.is_admin):
        member = await queries.membership(session, actor, room.id)
        if member is None or member.role is not MemberRole.OWNER:
            raise NotRoomOwner
    return room
