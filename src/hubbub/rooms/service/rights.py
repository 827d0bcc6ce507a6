"""Finding a room and what one may do in it, in one step."""

from uuid import UUID

from hubbub.agents.errors import NotYourParticipant
from hubbub.agents.queries import speaks_for
from hubbub.agents.types import Actor
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.rooms import queries
from hubbub.rooms.errors import NotRoomOwner, RoomDeleted, RoomNotFound
from hubbub.rooms.models import Room
from hubbub.rooms.types import MemberRole


async def acting_as(session: AsyncReadSession, actor: Actor, agent_id: UUID | None) -> UUID:
    """The participant that does it: the caller itself, or an agent of theirs."""
    if agent_id is None or agent_id == actor.participant_id:
        return actor.participant_id
    if not await speaks_for(session, actor, agent_id):
        raise NotYourParticipant
    return agent_id


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
