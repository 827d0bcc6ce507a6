"""Who may add to what stands in a room: whoever may speak there."""

from uuid import UUID

from hubbub.agents.types import Actor
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.messages.errors import NotInRoom, OnlyListens, RoomClosed
from hubbub.rooms import queries as rooms
from hubbub.rooms.errors import RoomNotFound
from hubbub.rooms.types import MemberRole

MAY_NOT_SPEAK = (RoomNotFound, NotInRoom, OnlyListens, RoomClosed)


async def check_speaks_in(
    session: AsyncReadSession, actor: Actor, participant_id: UUID, room_id: UUID
) -> None:
    room = await rooms.find_room(session, actor, room_id)
    if room is None:
        raise RoomNotFound
    if room.deleted_at is not None:
        raise RoomClosed
    role = (await rooms.roles_of(session, room.id, [participant_id])).get(participant_id)
    if role is None:
        raise NotInRoom
    if role is MemberRole.OBSERVER:
        raise OnlyListens
