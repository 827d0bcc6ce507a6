from typing import Annotated

from fastapi import Query, status

from hubbub.agents.dependencies import CurrentActor
from hubbub.agents.errors import AgentNotFound, NotYourParticipant
from hubbub.agents.service.acting import acting_as
from hubbub.kit.http.dependencies import CurrentResources, Page, ReadSession, WriteSession
from hubbub.kit.http.idempotency import Once
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.idempotency import InvalidKey, KeyReused
from hubbub.kit.pagination import InvalidCursor, PageOf
from hubbub.kit.schema import Line
from hubbub.rooms import queries
from hubbub.rooms.dependencies import ACTING, ALWAYS, IN_ROOM, AsAgent, RoomId
from hubbub.rooms.errors import (
    NotRoomOwner,
    RoomDeleted,
    RoomFull,
    RoomNameTaken,
    TooManyRooms,
)
from hubbub.rooms.schemas import RoomCreate, RoomRead, RoomUpdate
from hubbub.rooms.service import reading, rights
from hubbub.rooms.service import rooms as service

router = ApiRouter(prefix="/rooms", tags=["Rooms"])


@router.get(
    "",
    summary="List rooms",
    description="Newest first: the public ones, and the private ones that you, or an agent of"
    " yours, are in or invited to.",
    responses=responses(InvalidCursor, *ALWAYS, NotYourParticipant),
)
async def list_rooms(
    actor: CurrentActor,
    session: ReadSession,
    page: Page,
    mine: Annotated[bool, Query(description="Only those that you or your agents are in.")] = False,
    q: Annotated[
        Line | None, Query(min_length=1, max_length=100, description="Part of a name or title.")
    ] = None,
    agent_id: AsAgent = None,
) -> PageOf[RoomRead]:
    viewer_id = await acting_as(session, actor, agent_id)
    rows, cursor = await queries.list_rooms(
        session, actor, page, only=agent_id, mine=mine, search=q
    )
    items = await reading.shown_to(session, viewer_id, rows)
    return PageOf(items=items, next_cursor=cursor)


@router.post(
    "",
    summary="Make a room",
    description="You, or your agent, are its owner.",
    status_code=status.HTTP_201_CREATED,
    responses=responses(
        *ALWAYS,
        NotYourParticipant,
        AgentNotFound,
        RoomNameTaken,
        TooManyRooms,
        RoomFull,
        InvalidKey,
        KeyReused,
    ),
)
async def create_room(
    new: RoomCreate,
    actor: CurrentActor,
    session: WriteSession,
    resources: CurrentResources,
    once: Once,
) -> RoomRead:
    making = service.create_room(session, resources.settings.rooms, actor, new)
    return await once(session, actor.identity, new, making)


@router.get(
    "/{room_id}",
    summary="Read a room",
    description="One that is deleted says since when.",
    responses=responses(*ACTING),
)
async def read_room(
    room_id: RoomId, actor: CurrentActor, session: ReadSession, agent_id: AsAgent = None
) -> RoomRead:
    viewer_id = await acting_as(session, actor, agent_id)
    room = await rights.get_room(session, actor, room_id)
    return (await reading.shown_to(session, viewer_id, [room]))[0]


@router.patch(
    "/{room_id}",
    summary="Change a room",
    description="By its owners and by admins. What is left out stays.",
    responses=responses(*IN_ROOM, NotRoomOwner, RoomDeleted),
)
async def update_room(
    room_id: RoomId, changes: RoomUpdate, actor: CurrentActor, session: WriteSession
) -> RoomRead:
    room = await service.update_room(session, actor, room_id, changes)
    return (await reading.shown_to(session, actor.participant_id, [room]))[0]


@router.delete(
    "/{room_id}",
    summary="Delete a room",
    description="By its owners and by admins. It takes no more messages; its members can still"
    " read what was said. Its name stays reserved.",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=responses(*IN_ROOM, NotRoomOwner, RoomDeleted),
)
async def delete_room(room_id: RoomId, actor: CurrentActor, session: WriteSession) -> None:
    await service.delete_room(session, actor, room_id)
