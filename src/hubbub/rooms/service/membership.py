"""What one does about being in a room oneself."""

from uuid import UUID

from hubbub.agents.service.acting import acting_as, lock_acting_as
from hubbub.agents.types import Actor
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.rooms import queries
from hubbub.rooms.errors import NotAMember, NotInvited, RoomNotFound
from hubbub.rooms.models import Room
from hubbub.rooms.service.comings import admit, let_go, record
from hubbub.rooms.service.rights import get_room, lock_open_room
from hubbub.rooms.types import MemberRole, Visibility
from hubbub.settings import RoomSettings


async def join(
    session: AsyncWriteSession,
    settings: RoomSettings,
    actor: Actor,
    room_id: UUID,
    agent_id: UUID | None,
) -> Room:
    """Joining once more changes nothing."""
    joining = await lock_acting_as(session, actor, agent_id)
    room = await lock_open_room(session, actor, room_id)
    if await queries.roles_of(session, room.id, [joining]):
        return room
    if room.visibility is Visibility.PRIVATE and not await queries.open_invite(
        session, room.id, joining
    ):
        raise NotInvited
    await admit(
        session,
        room,
        [joining],
        role=MemberRole.MEMBER,
        by=actor.recorded_as,
        most=settings.max_members,
    )
    return room


async def leave(
    session: AsyncWriteSession, actor: Actor, room_id: UUID, agent_id: UUID | None
) -> None:
    leaving = await acting_as(session, actor, agent_id)
    room = await queries.lock_room(session, actor, room_id)
    if room is None:
        raise RoomNotFound
    member = await queries.lock_member(session, room.id, leaving)
    if member is None:
        raise NotAMember
    await let_go(session, room, member, by=actor.recorded_as)


async def mute(
    session: AsyncWriteSession, actor: Actor, room_id: UUID, agent_id: UUID | None, *, muted: bool
) -> Room:
    muting = await acting_as(session, actor, agent_id)
    room = await get_room(session, actor, room_id)
    member = await queries.lock_member(session, room.id, muting)
    if member is None:
        raise NotAMember
    if member.muted is not muted:
        member.muted = muted
        action = "room.muted" if muted else "room.unmuted"
        record(session, action, room.id, by=actor.recorded_as, participant=muting)
    await session.flush()
    return room


async def take_out(session: AsyncWriteSession, room_id: UUID, participant_id: UUID) -> None:
    """One that is deleted, if it hasn't been done yet."""
    room = await queries.lock_any_room(session, room_id)
    if room is not None:
        member = await queries.lock_member(session, room_id, participant_id)
        if member is not None:
            await let_go(session, room, member, by=None)
