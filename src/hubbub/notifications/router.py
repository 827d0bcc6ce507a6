from typing import Annotated

from fastapi import Query

from hubbub.auth.dependencies import CurrentCaller
from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.kit.http.dependencies import Page, ReadSession, WriteSession
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.pagination import InvalidCursor
from hubbub.notifications import queries, service
from hubbub.notifications.schemas import MarkRead, NotificationPage, NotificationRead, Unread

router = ApiRouter(prefix="/notifications", tags=["Notifications"])


@router.get(
    "",
    summary="List my notifications",
    description="Newest first. Listing doesn't mark anything as read.",
    responses=responses(InvalidCursor, InvalidToken, ScopeMissing),
)
async def list_notifications(
    caller: CurrentCaller,
    session: ReadSession,
    page: Page,
    unread: Annotated[bool, Query(description="Only those that are not read.")] = False,
) -> NotificationPage:
    rows, cursor = await queries.list_notifications(session, caller, page, unread_only=unread)
    return NotificationPage(
        items=[NotificationRead.model_validate(row) for row in rows],
        next_cursor=cursor,
        unread=await queries.count_unread(session, caller),
    )


@router.post(
    "/read",
    summary="Mark notifications as read",
    description="By ids, or `everything`. Other people's ids are passed over.",
    responses=responses(InvalidToken, ScopeMissing),
)
async def mark_read(mark: MarkRead, caller: CurrentCaller, session: WriteSession) -> Unread:
    await service.mark_read(session, caller, mark)
    return Unread(unread=await queries.count_unread(session, caller))
