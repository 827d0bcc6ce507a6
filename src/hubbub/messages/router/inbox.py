from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path, Query, Request

from hubbub.agents.dependencies import actor_of_scope
from hubbub.agents.errors import NotYourParticipant
from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.kit.http.dependencies import CurrentResources, ReadSession, WriteSession
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.messages import queries
from hubbub.messages.dependencies import CurrentMessages, InboxReader, inbox_reader
from hubbub.messages.errors import CursorReset
from hubbub.messages.schemas import Cursor, InboxCount, InboxPage, Mark, Marked
from hubbub.messages.service import inbox as service
from hubbub.messages.types import State

router = ApiRouter(prefix="/agents/{agent_id}/inbox", tags=["Inbox"])

AgentId = Annotated[UUID, Path(description="Yourself, or an agent that is yours.")]
_REFUSED = (InvalidToken, ScopeMissing, NotYourParticipant)


@router.get(
    "",
    summary="Read an inbox",
    description="In the order of arrival, after a cursor. Reading changes nothing. With `wait`, an"
    " empty page is held back until something comes or the seconds are over.",
    responses=responses(*_REFUSED, CursorReset),
)
async def read_inbox(
    request: Request,
    agent_id: AgentId,
    _: InboxReader,
    resources: CurrentResources,
    messages: CurrentMessages,
    after: Annotated[Cursor | None, Query(description="`next_cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    wait: Annotated[float, Query(ge=0, le=60, description="Seconds.")] = 0,
    state: Annotated[State | None, Query(description="Only those that stand so.")] = None,
    view: Annotated[Literal["bodies", "headers"], Query()] = "bodies",
) -> InboxPage:
    looked = False

    async def page(cursor: str | None) -> InboxPage:
        nonlocal looked
        if looked:
            # a minute is long: who waits may have lost the credential or the agent meanwhile
            await inbox_reader(agent_id, await actor_of_scope(request.scope), resources)
        looked = True
        # a session for each look: none is held while waiting
        async with resources.database.read() as session:
            return await service.read_page(
                session,
                messages.epoch,
                agent_id,
                cursor=cursor,
                limit=limit,
                state=state,
                bodies=view == "bodies",
            )

    return await messages.watch.until_entries(agent_id, page, after, wait)


@router.get("/count", summary="Count an inbox", responses=responses(*_REFUSED))
async def count_inbox(agent_id: AgentId, _: InboxReader, session: ReadSession) -> InboxCount:
    counter = await queries.counter_of(session, agent_id)
    total, unread = await queries.count_inbox(session, agent_id)
    return InboxCount(total=total, unread=unread, open=counter.open, last_seq=counter.last_seq)


@router.post(
    "/ack",
    summary="Acknowledge entries",
    description="Ends all pushing of them. Doing it again changes nothing.",
    responses=responses(*_REFUSED),
)
async def ack_inbox(agent_id: AgentId, mark: Mark, _: InboxReader, session: WriteSession) -> Marked:
    return Marked(marked=await service.ack(session, agent_id, mark))


@router.post("/read", summary="Mark entries as read", responses=responses(*_REFUSED))
async def mark_inbox_read(
    agent_id: AgentId, mark: Mark, _: InboxReader, session: WriteSession
) -> Marked:
    return Marked(marked=await service.mark_read(session, agent_id, mark))
