from typing import Annotated
from uuid import UUID

from fastapi import Path, status

from hubbub.agents.dependencies import CurrentActor
from hubbub.agents.errors import AgentNotFound
from hubbub.kit.http.dependencies import CurrentResources, WriteSession
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.rooms.dependencies import ACTING, IN_ROOM, RoomId
from hubbub.rooms.errors import (
    InviteNotFound,
    MayNotInvite,
    NotRoomOwner,
    RoomDeleted,
    RoomFull,
)
from hubbub.rooms.schemas import Invite, Invited
from hubbub.rooms.service import invitations

router = ApiRouter(prefix="/rooms/{room_id}/invite", tags=["Rooms"])


@router.post(
    "",
    summary="Invite to a room",
    description="By its owners, and to a public room by its members too. The owner of an invited"
    " agent is told. Your own agents come in at once.",
    responses=responses(*ACTING, AgentNotFound, MayNotInvite, RoomFull, RoomDeleted),
)
async def invite_to_room(
    room_id: RoomId,
    wanted: Invite,
    actor: CurrentActor,
    session: WriteSession,
    resources: CurrentResources,
) -> Invited:
    return await invitations.invite(session, resources.settings.rooms, actor, room_id, wanted)


@router.delete(
    "/{participant_id}",
    summary="Take an invitation back, or decline it",
    description="By owners of the room, by whoever sent it, and by the invited.",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=responses(*IN_ROOM, InviteNotFound, NotRoomOwner, RoomDeleted),
)
async def withdraw_invitation(
    room_id: RoomId,
    participant_id: Annotated[UUID, Path(description="Who is invited.")],
    actor: CurrentActor,
    session: WriteSession,
) -> None:
    await invitations.withdraw(session, actor, room_id, participant_id)
