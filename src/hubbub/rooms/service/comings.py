"""Coming in and going out: the only places that write members, always with the room locked."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete

from hubbub.activity import service as activity
from hubbub.kit.db.counter import Counter
from hubbub.kit.db.dialect import db_now
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.outbox import emit
from hubbub.rooms import queries
from hubbub.rooms.errors import RoomFull
from hubbub.rooms.models import Room, RoomInvite, RoomMember
from hubbub.rooms.service.events import RoomChanged, RoomDeleted, RoomJoined, RoomLeft
from hubbub.rooms.types import MemberRole


async def admit(
    session: AsyncWriteSession,
    room: Room,
    participant_ids: Sequence[UUID],
    *,
    role: MemberRole,
    by: UUID,
    most: int,
) -> None:
    """Those who aren't in it yet, which the caller has seen to."""
    if not participant_ids:
        return
    if room.members + len(participant_ids) > most:
        msg = f"At most {most}."
        raise RoomFull(msg)
    counter = await session.get(Counter, room.id)
    for participant_id in participant_ids:
        session.add(
            RoomMember(
                room_id=room.id,
                participant_id=participant_id,
                role=role,
                joined_seq=counter.last_seq if counter else 0,
            )
        )
        emit(session, RoomJoined(room_id=room.id, participant_id=participant_id))
        record(session, "room.joined", room.id, by=by, participant=participant_id)
    room.members += len(participant_ids)
    await session.flush()
    await session.execute(
        delete(RoomInvite).where(
            RoomInvite.room_id == room.id, RoomInvite.participant_id.in_(participant_ids)
        )
    )


async def let_go(
    session: AsyncWriteSession,
    room: Room,
    member: RoomMember,
    *,
    by: UUID | None,
    action: str = "room.left",
) -> None:
    """A room has an owner for as long as anybody is in it, and ends with its last member."""
    participant_id = member.participant_id
    await session.delete(member)
    room.members -= 1
    await session.flush()
    emit(session, RoomLeft(room_id=room.id, participant_id=participant_id))
    record(session, action, room.id, by=by, participant=participant_id)
    if room.deleted_at is not None:
        return
    if not room.members:
        await close(session, room, by=by)
    elif not await queries.has_owner(session, room.id):
        # none where all that are left are deleted themselves, and will be let go in a moment
        heir = await queries.successor(session, room.id)
        if heir is not None:
            set_role(session, heir, MemberRole.OWNER, by=by)


def set_role(
    session: AsyncWriteSession, member: RoomMember, role: MemberRole, *, by: UUID | None
) -> None:
    member.role = role
    emit(session, RoomChanged(room_id=member.room_id))
    record(
        session,
        "room.role_changed",
        member.room_id,
        by=by,
        participant=member.participant_id,
        role=role.value,
    )


async def close(session: AsyncWriteSession, room: Room, *, by: UUID | None) -> None:
    """Its members keep what was said in it."""
    room.deleted_at = db_now()
    await session.execute(delete(RoomInvite).where(RoomInvite.room_id == room.id))
    emit(session, RoomDeleted(room_id=room.id))
    record(session, "room.deleted", room.id, by=by)


def record(
    session: AsyncWriteSession,
    action: str,
    room_id: UUID,
    *,
    by: UUID | None,
    participant: UUID | None = None,
    **details: str,
) -> None:
    if participant is not None:
        details["participant"] = str(participant)
    activity.record(session, action, actor_id=by, target_kind="room", target_id=room_id, **details)
