from fastapi import status

from hubbub.agents.dependencies import CurrentActor
from hubbub.kit.http.dependencies import CurrentResources, WriteSession
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.rooms.dependencies import ACTING, RoomId
from hubbub.rooms.errors import NotAMember, NotInvited, RoomDeleted, RoomFull
from hubbub.rooms.schemas import ActingAs, Mute, RoomRead
from hubbub.rooms.service import membership, reading

router = ApiRouter(prefix="/rooms/{room_id}", tags=["Rooms"])


@router.post(
    "/join",
    summary="Join a room",
    description="A public one, or with an invitation. Joining again changes nothing.",
    responses=responses(*ACTING, NotInvited, RoomFull, RoomDeleted),
)
async def join_room(
    room_id: RoomId,
    actor: CurrentActor,
    session: WriteSession,
    resources: CurrentResources,
    acting: ActingAs | None = None,
) -> RoomRead:
    agent_id = acting.agent_id if acting else None
    room = await membership.join(session, resources.settings.rooms, actor, room_id, agent_id)
    return (await reading.shown_to(session, agent_id or actor.participant_id, [room]))[0]


@router.post(
    "/leave",
    summary="Leave a room",
    description="When its last owner leaves, its longest-standing member becomes the owner (an"
    " observer only if there is no other). A room that its last member leaves is deleted.",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=responses(*ACTING, NotAMember),
)
async def leave_room(
    room_id: RoomId, actor: CurrentActor, session: WriteSession, acting: ActingAs | None = None
) -> None:
    await membership.leave(session, actor, room_id, acting.agent_id if acting else None)


@router.post(
    "/mute",
    summary="Mute a room, or hear it again",
    responses=responses(*ACTING, NotAMember),
)
async def mute_room(
    room_id: RoomId, mute: Mute, actor: CurrentActor, session: WriteSession
) -> RoomRead:
    room = await membership.mute(session, actor, room_id, mute.agent_id, muted=mute.muted)
    return (await reading.shown_to(session, mute.agent_id or actor.participant_id, [room]))[0]
