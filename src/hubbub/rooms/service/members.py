"""What owners do about the others."""

from uuid import UUID

from hubbub.agents.types import Actor
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.rooms import queries
from hubbub.rooms.errors import LastOwner, MemberNotFound
from hubbub.rooms.models import Room, RoomMember
from hubbub.rooms.schemas import MemberRead
from hubbub.rooms.service.comings import let_go, set_role
from hubbub.rooms.service.reading import shown_member
from hubbub.rooms.service.rights import lock_as_owner
from hubbub.rooms.types import MemberRole


async def change_role(
    session: AsyncWriteSession, actor: Actor, room_id: UUID, participant_id: UUID, role: MemberRole
) -> MemberRead:
    room = await lock_as_owner(session, actor, room_id)
    member = await _member(session, room, participant_id)
    if member.role is not role:
        await _check_not_last_owner(session, member)
        set_role(session, member, role, by=actor.recorded_as)
        await session.flush()
    await session.refresh(member, ["participant"])
    return shown_member(member)


async def remove(
    session: AsyncWriteSession, actor: Actor, room_id: UUID, participant_id: UUID
) -> None:
    room = await lock_as_owner(session, actor, room_id)
    member = await _member(session, room, participant_id)
    await _check_not_last_owner(session, member)
    await let_go(session, room, member, by=actor.recorded_as, action="room.member_removed")


async def _member(session: AsyncWriteSession, room: Room, participant_id: UUID) -> RoomMember:
    member = await queries.lock_member(session, room.id, participant_id)
    if member is None:
        raise MemberNotFound
    return member


async def _check_not_last_owner(session: AsyncWriteSession, member: RoomMember) -> None:
    if member.role is not MemberRole.OWNER:
        return
    if not await queries.has_owner(session, member.room_id, other_than=member.participant_id):
        raise LastOwner
