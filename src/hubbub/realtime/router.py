from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Path, Query, Request, status
from starlette.requests import HTTPConnection

from hubbub.agents.dependencies import CurrentActor
from hubbub.agents.errors import NotYourParticipant
from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.kit.errors import Unauthenticated
from hubbub.kit.http.credentials import presented
from hubbub.kit.http.dependencies import WriteSession
from hubbub.kit.http.idempotency import Once
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.idempotency import InvalidKey, KeyReused
from hubbub.messages.errors import NotInRoom
from hubbub.messages.schemas import Cursor
from hubbub.realtime import tickets
from hubbub.realtime.connections import Connection
from hubbub.realtime.follower import Follower
from hubbub.realtime.forms import EVENTS
from hubbub.realtime.notices import NoticeReader
from hubbub.realtime.outlets import QueueOutlet
from hubbub.realtime.reports import ReportReader
from hubbub.realtime.schemas import TicketAsk, TicketRead
from hubbub.realtime.sse import EventStream
from hubbub.realtime.state import RealtimeState
from hubbub.realtime.streams import Inbox, Room, Stream
from hubbub.reports.errors import ReportNotFound
from hubbub.reports.service.reports import job_of
from hubbub.rooms.errors import RoomNotFound

router = ApiRouter()

_STREAM: dict[int | str, dict[str, Any]] = {
    status.HTTP_200_OK: {
        "description": "Events `message`, with the cursor as id, and `reset`, `state` or"
        " `presence`; they never end.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}

_REPORT_STREAM: dict[int | str, dict[str, Any]] = {
    status.HTTP_200_OK: {
        "description": "Events `progress` with the step, the percentage and a message; at the end"
        " `done` with the download's address, `failed` or `cancelled`.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


async def get_realtime(connection: HTTPConnection) -> RealtimeState:
    state: RealtimeState = connection.app.state.realtime
    return state


CurrentRealtime = Annotated[RealtimeState, Depends(get_realtime)]
After = Annotated[Cursor | None, Query(description="Where to go on; else from the beginning.")]
LastEventId = Annotated[
    Cursor | None, Header(description="What a browser sends by itself. Counts before `after`.")
]


def credential_of(request: Request) -> str:
    found = presented(request.scope)
    if found is None:
        raise Unauthenticated
    return found.token


PresentedCredential = Annotated[str, Depends(credential_of)]


@router.post(
    "/ws-tickets",
    tags=["Live"],
    summary="Get a ticket for a socket",
    description="For browsers, which can't send a header with a WebSocket: connect with"
    " `?ticket=`. It counts once, for half a minute, and for what the caller's credential does.",
    status_code=status.HTTP_201_CREATED,
    responses=responses(InvalidToken, ScopeMissing, InvalidKey, KeyReused),
)
async def make_ticket(
    actor: CurrentActor,
    credential: PresentedCredential,
    session: WriteSession,
    once: Once,
    ask: TicketAsk | None = None,
) -> TicketRead:
    making = tickets.make_ticket(session, credential)
    return await once(session, actor.identity, ask or TicketAsk(), making)


@router.get(
    "/agents/{agent_id}/events",
    tags=["Live"],
    summary="Follow an inbox",
    description="Its entries as server-sent events, first those that are there already. Reading"
    " changes nothing.",
    response_class=EventStream,
    status_code=status.HTTP_200_OK,
    responses=_STREAM | responses(InvalidToken, ScopeMissing, NotYourParticipant),
)
async def follow_inbox(
    agent_id: Annotated[UUID, Path(description="Yourself, or an agent that is yours.")],
    actor: CurrentActor,
    credential: PresentedCredential,
    state: CurrentRealtime,
    after: After = None,
    last_event_id: LastEventId = None,
) -> EventStream:
    stream = Inbox(state.resources.database, state.messages.epoch, actor, agent_id)
    connection = Connection(agent_id, actor, credential, QueueOutlet(EVENTS), stream)
    return await _following(state, connection, stream, last_event_id or after)


@router.get(
    "/rooms/{room_id}/events",
    tags=["Live"],
    summary="Follow a room",
    description="What is said in it as server-sent events, for its members.",
    response_class=EventStream,
    status_code=status.HTTP_200_OK,
    responses=_STREAM | responses(InvalidToken, ScopeMissing, NotInRoom, RoomNotFound),
)
async def follow_room(
    room_id: UUID,
    actor: CurrentActor,
    credential: PresentedCredential,
    state: CurrentRealtime,
    after: After = None,
    last_event_id: LastEventId = None,
) -> EventStream:
    stream = Room(state.resources.database, state.messages.epoch, actor, room_id)
    connection = Connection(room_id, actor, credential, QueueOutlet(EVENTS), stream)
    return await _following(state, connection, stream, last_event_id or after)


async def _following(
    state: RealtimeState, connection: Connection, stream: Stream, cursor: str | None
) -> EventStream:
    outlet = connection.outlet
    assert isinstance(outlet, QueueOutlet)  # noqa: S101 - made above
    follower = connection.follower = Follower(state.messages.watch, stream, outlet)
    since = state.connections.revocations

    def end() -> None:
        follower.stop()
        state.connections.remove(connection)

    try:
        await follower.start(cursor, lambda *_: None)
    except BaseException:
        end()
        raise
    state.connections.add(connection, since)
    return EventStream(outlet, end)


@router.get(
    "/notifications/events",
    tags=["Live"],
    summary="Follow my notifications",
    description="The unread ones, and new ones as they come. After a reconnection one may come"
    " twice.",
    response_class=EventStream,
    status_code=status.HTTP_200_OK,
    responses=_STREAM | responses(InvalidToken, ScopeMissing),
)
async def follow_notifications(
    actor: CurrentActor,
    credential: PresentedCredential,
    state: CurrentRealtime,
    last_event_id: Annotated[
        UUID | None, Header(description="The last notification that came.")
    ] = None,
) -> EventStream:
    outlet = QueueOutlet(EVENTS)
    connection = Connection(actor.viewer.user_id, actor, credential, outlet)
    reader = NoticeReader(state.notices, actor.viewer, outlet, last_event_id)
    state.connections.add(connection, state.connections.revocations)
    reader.start()

    def end() -> None:
        reader.stop()
        state.connections.remove(connection)

    return EventStream(outlet, end)


@router.get(
    "/reports/{report_id}/events",
    tags=["Reports"],
    summary="Follow how far a report is",
    description="The stream ends with the report. Whoever connects again is told how it stands.",
    response_class=EventStream,
    status_code=status.HTTP_200_OK,
    responses=_REPORT_STREAM | responses(InvalidToken, ScopeMissing, ReportNotFound),
)
async def follow_report(
    report_id: Annotated[UUID, Path(description="The report's id.")],
    actor: CurrentActor,
    credential: PresentedCredential,
    state: CurrentRealtime,
) -> EventStream:
    # the session ends before the stream begins, which opens its own
    async with state.resources.database.read() as session:
        job_id = await job_of(session, actor, report_id)
    outlet = QueueOutlet(EVENTS)
    connection = Connection(report_id, actor, credential, outlet)
    state.connections.add(connection, state.connections.revocations)
    reader = ReportReader(state.moves, actor, report_id, job_id, outlet)

    def end() -> None:
        reader.stop()
        state.connections.remove(connection)

    return EventStream(outlet, end)
