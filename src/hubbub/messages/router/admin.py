from typing import Annotated
from uuid import UUID

from fastapi import Path, Query

from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.kit.http.dependencies import Page, ReadSession, WriteSession
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.pagination import InvalidCursor, PageOf
from hubbub.kit.schema import UtcDatetime
from hubbub.messages.dependencies import AdminActor
from hubbub.messages.errors import MessageNotFound
from hubbub.messages.queries.listing import Filters
from hubbub.messages.schemas import MessageMetadata, MessageRead, Reveal
from hubbub.messages.service import listing as service
from hubbub.users.errors import AdminsOnly

router = ApiRouter(prefix="/messages", tags=["Messages"])


@router.get(
    "/metadata",
    summary="List everybody's messages without what they say",
    description="For admins, newest first.",
    responses=responses(InvalidCursor, InvalidToken, ScopeMissing, AdminsOnly),
)
async def list_metadata(
    actor: AdminActor,
    session: ReadSession,
    page: Page,
    agent: Annotated[UUID | None, Query(description="Who sent it or got it.")] = None,
    since: Annotated[UtcDatetime | None, Query(description="Sent then or later.")] = None,
    until: Annotated[UtcDatetime | None, Query(description="Sent before then.")] = None,
) -> PageOf[MessageMetadata]:
    filters = Filters(agent=agent, since=since, until=until)
    return await service.list_metadata(session, actor, filters, page)


@router.post(
    "/{message_id}/reveal",
    summary="Read somebody else's message",
    description="For admins. That it was read, by whom and why, is on record for good.",
    responses=responses(InvalidToken, ScopeMissing, AdminsOnly, MessageNotFound),
)
async def reveal_message(
    message_id: Annotated[UUID, Path(description="Anybody's message.")],
    reveal: Reveal,
    actor: AdminActor,
    session: WriteSession,
) -> MessageRead:
    return await service.reveal(session, actor, message_id, reveal.reason)
