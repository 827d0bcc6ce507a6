from typing import Annotated
from uuid import UUID

from fastapi import Path, status

from hubbub.agents.dependencies import CurrentActor
from hubbub.kit.http.dependencies import Page, ReadSession, WriteSession
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.pagination import InvalidCursor, PageOf
from hubbub.rooms import queries
from hubbub.rooms.dependencies import IN_ROOM, RoomId
from hubbub.rooms.errors import LastOwner, MemberNotFound, NotRoomOwner, RoomDeleted
from hubbub.rooms.schemas import MemberRead, MemberUpdate
from hubbub.rooms.service import members, rights
from hubbub.rooms.service.reading import shown_member

router = ApiRouter(prefix="/rooms/{room_id}/members", tags=["Rooms"])

ParticipantId = Annotated[UUID, Path(description="A member of the room.")]


@router.get(
    "",
    summary="List the members of a room",
    description="The longest-standing first.",
    responses=responses(InvalidCursor, *IN_ROOM),
)
async def list_members(
    room_id: RoomId, actor: CurrentActor, session: ReadSession, page: Page
) -> PageOf[MemberRead]:
    room = await rights.get_room(session, actor, room_id)
    rows, cursor = await queries.list_members(session, room.id, page)
    return PageOf(items=[shown_member(row) for row in rows], next_cursor=cursor)


@router.patch(
    "/{participant_id}",
    summary="Give a member another role",
    description="By owners: `owner`, `member`, or `observer`, who reads and doesn't speak.",
    responses=responses(*IN_ROOM, NotRoomOwner, MemberNotFound, LastOwner, RoomDeleted),
)
async def update_member(
    room_id: RoomId,
    participant_id: ParticipantId,
    changes: MemberUpdate,
    actor: CurrentActor,
    session: WriteSession,
) -> MemberRead:
    return await members.change_role(session, actor, room_id, participant_id, changes.role)


@router.delete(
    "/{participant_id}",
    summary="Remove a member",
    description="By owners. To a public room one can come back.",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=responses(*IN_ROOM, NotRoomOwner, MemberNotFound, LastOwner, RoomDeleted),
)
async def remove_member(
    room_id: RoomId, participant_id: ParticipantId, actor: CurrentActor, session: WriteSession
) -> None:
    await members.remove(session, actor, room_id, participant_id)
