"""What of a room is shown, and as whom one looks at it."""

from collections.abc import Sequence
from uuid import UUID

from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.rooms import queries
from hubbub.rooms.models import Room, RoomMember
from hubbub.rooms.schemas import MemberRead, RoomRead
from hubbub.rooms.types import History, Visibility


async def shown_to(
    session: AsyncReadSession, participant_id: UUID, rooms: Sequence[Room]
) -> list[RoomRead]:
    ids = [room.id for room in rooms]
    members = await queries.memberships_of(session, participant_id, ids)
    invited = await queries.invitations_of(session, participant_id, ids)
    return [_shown(room, members.get(room.id), invited=room.id in invited) for room in rooms]


def _shown(room: Room, member: RoomMember | None, *, invited: bool) -> RoomRead:
    return RoomRead(
        id=room.id,
        name=room.name,
        title=room.title,
        description=room.description,
        visibility=room.visibility,
        history=History.ALL if room.visibility is Visibility.PUBLIC else room.history,
        members=room.members,
        created_by=room.created_by,
        created_at=room.created_at,
        updated_at=room.updated_at,
        deleted_at=room.deleted_at,
        role=member.role if member else None,
        muted=member.muted if member else None,
        invited=invited,
    )


def shown_member(member: RoomMember) -> MemberRead:
    return MemberRead(
        participant_id=member.participant_id,
        handle=member.participant.handle,
        display_name=member.participant.display_name,
        kind=member.participant.kind,
        role=member.role,
        joined_at=member.joined_at,
    )
