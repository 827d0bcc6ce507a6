"""Asking others in, and taking that back."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from uuid import UUID

from sqlalchemy import delete

from hubbub.agents import queries as agents
from hubbub.agents.errors import AgentNotFound
from hubbub.agents.service.acting import acting_as
from hubbub.agents.types import Actor
from hubbub.kit.db.dialect import insert_or_ignore, upsert
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.outbox import emit
from hubbub.rooms import queries
from hubbub.rooms.errors import InviteNotFound, MayNotInvite, NotRoomOwner
from hubbub.rooms.models import Room, RoomInvite
from hubbub.rooms.schemas import Invite, Invited
from hubbub.rooms.service.comings import admit, record
from hubbub.rooms.service.events import RoomInvited
from hubbub.rooms.service.rights import lock_open_room
from hubbub.rooms.types import MemberRole, Visibility
from hubbub.settings import RoomSettings


async def resolve(session: AsyncReadSession, actor: Actor, names: Sequence[str]) -> list[UUID]:
    """The participants of these ids and handles, each once, in the order they were named."""
    if not names:
        return []
    keys: list[UUID | str] = []
    for name in names:
        try:
            keys.append(UUID(name))
        except ValueError:
            keys.append(name.lower())
    ids = [key for key in keys if isinstance(key, UUID)]
    handles = [key for key in keys if isinstance(key, str)]
    found: dict[UUID | str, UUID] = {}
    for statement in (agents.parties_by_id(ids), agents.parties_by_handle(handles)):
        for party in await session.execute(statement):
            if not party.deleted:
                found[party.id] = found[party.handle] = party.id
    for key in keys:
        if key not in found:
            if isinstance(key, UUID):
                raise AgentNotFound
            nearest = await agents.nearest_handles(session, actor.viewer, key)
            raise AgentNotFound(did_you_mean=nearest)
    return list(dict.fromkeys(found[key] for key in keys))


async def invite(
    session: AsyncWriteSession, settings: RoomSettings, actor: Actor, room_id: UUID, wanted: Invite
) -> Invited:
    if wanted.agent_id is not None:
        await acting_as(session, actor, wanted.agent_id)
    ids = await resolve(session, actor, wanted.participants)
    own = await agents.lock_spoken_for(session, actor, ids)
    room = await lock_open_room(session, actor, room_id)
    inviter = await queries.membership(session, actor, room.id, wanted.agent_id)
    may = {MemberRole.OWNER}
    if room.visibility is Visibility.PUBLIC:
        may.add(MemberRole.MEMBER)
    if inviter is None or inviter.role not in may:
        raise MayNotInvite
    return await ask_in(session, settings, actor, room, inviter.participant_id, ids, own)


async def ask_in(
    session: AsyncWriteSession,
    settings: RoomSettings,
    actor: Actor,
    room: Room,
    inviter_id: UUID,
    participant_ids: Sequence[UUID],
    own: AbstractSet[UUID],
) -> Invited:
    """Who is `own` needs no asking. Who has blocked the inviter isn't told, and the inviter isn't
    told that."""
    present = await queries.roles_of(session, room.id, participant_ids)
    outside = [each for each in participant_ids if each not in present]
    joined = [each for each in outside if each in own]
    invited = [each for each in outside if each not in own]
    await admit(
        session,
        room,
        joined,
        role=MemberRole.MEMBER,
        by=actor.recorded_as,
        most=settings.max_members,
    )
    await _write(session, actor, room.id, inviter_id, invited)
    return Invited(invited=invited, joined=joined)


async def _write(
    session: AsyncWriteSession,
    actor: Actor,
    room_id: UUID,
    inviter_id: UUID,
    participant_ids: Sequence[UUID],
) -> None:
    known = await queries.open_invites(session, room_id, participant_ids)
    deaf = await queries.blocked_by(session, participant_ids, inviter_id)
    for participant_id in participant_ids:
        row = {"room_id": room_id, "participant_id": participant_id, "invited_by": inviter_id}
        unique = ["room_id", "participant_id"]
        if participant_id in known:
            continue
        if participant_id in deaf:
            await session.execute(insert_or_ignore(session, RoomInvite, unique=unique).values(row))
        else:
            # in place of one that it never saw
            change = ["invited_by", "created_at"]
            await session.execute(upsert(session, RoomInvite, row, unique=unique, change=change))
            emit(session, RoomInvited(room_id=room_id, participant_id=participant_id))
        record(session, "room.invited", room_id, by=actor.recorded_as, participant=participant_id)


async def withdraw(
    session: AsyncWriteSession, actor: Actor, room_id: UUID, participant_id: UUID
) -> None:
    """By owners of the room, by whoever sent it, or by the invited, who declines."""
    room = await lock_open_room(session, actor, room_id)
    found = await session.get(RoomInvite, (room.id, participant_id))
    if not await _may_withdraw(session, actor, room, participant_id, found):
        raise NotRoomOwner
    if found is None:
        raise InviteNotFound
    await session.execute(
        delete(RoomInvite).where(
            RoomInvite.room_id == room.id, RoomInvite.participant_id == participant_id
        )
    )
    record(
        session,
        "room.invitation_withdrawn",
        room.id,
        by=actor.recorded_as,
        participant=participant_id,
    )


async def _may_withdraw(
    session: AsyncWriteSession,
    actor: Actor,
    room: Room,
    participant_id: UUID,
    found: RoomInvite | None,
) -> bool:
    member = await queries.membership(session, actor, room.id)
    if member is not None and member.role is MemberRole.OWNER:
        return True
    if found is not None and await agents.speaks_for(session, actor, found.invited_by):
        return True
    if not await agents.speaks_for(session, actor, participant_id):
        return False
    if await queries.open_invite(session, room.id, participant_id) is None:
        raise InviteNotFound  # also where there is one that the invited never saw
    return True
