from typing import Annotated

from fastapi import Query

from hubbub.agents.dependencies import CurrentActor
from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.kit.http.dependencies import Page, ReadSession
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.pagination import InvalidCursor, PageOf
from hubbub.messages.dependencies import MessageFilters
from hubbub.messages.schemas import MessagePage, OverdueDelivery
from hubbub.messages.service import deliveries as overdue
from hubbub.messages.service import listing as service
from hubbub.messages.types import Role

router = ApiRouter(prefix="/messages", tags=["Messages"])


@router.get(
    "",
    summary="List or search messages",
    description="Newest first, what you or your agents sent or got. `q` looks for words: all must"
    " occur, `begin*` stands for beginnings, case and accents don't matter. What was sent a moment"
    " ago may not be found by its words yet; `indexed_until` says so.",
    responses=responses(InvalidCursor, InvalidToken, ScopeMissing),
)
async def list_messages(
    actor: CurrentActor,
    session: ReadSession,
    page: Page,
    filters: MessageFilters,
    q: Annotated[str | None, Query(max_length=500, description="Words to look for.")] = None,
) -> MessagePage:
    if q is None:
        return await service.list_messages(session, actor, filters, page)
    return await service.search_messages(session, actor, q, filters, page)


@router.get(
    "/overdue",
    summary="List what should have been acknowledged by now",
    description="The longest overdue first: deliveries whose `ack_by` has passed, of messages that"
    " you or your agents sent, or that came to you or them.",
    responses=responses(InvalidCursor, InvalidToken, ScopeMissing),
)
async def list_overdue(
    actor: CurrentActor,
    session: ReadSession,
    page: Page,
    role: Annotated[Role, Query(description="On which side you are.")] = Role.SENDER,
) -> PageOf[OverdueDelivery]:
    return await overdue.list_overdue(session, actor, role, page)
