from typing import Annotated

from fastapi import Query

from hubbub.auth.dependencies import CurrentCaller
from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.kit.http.dependencies import Page, ReadSession, WriteSession
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.pagination import InvalidCursor
from hubbub.notifications import queries
from hubbub.notifications.errors import NotificationNotFound
from hubbub.notifications.schemas import (
    MarkRead,
    NotificationPage,
    NotificationRead,
    PreferencesRead,
    PreferencesUpdate,
    Unread,
)
from hubbub.notifications.service import preferences, reading

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
    description="By ids, all up to one of them as they are listed, or `everything`. Other people's"
    " ids are passed over.",
    responses=responses(InvalidToken, ScopeMissing, NotificationNotFound),
)
async def mark_read(mark: MarkRead, caller: CurrentCaller, session: WriteSession) -> Unread:
    await reading.mark_read(session, caller, mark)
    return Unread(unread=await queries.count_unread(session, caller))


@router.get(
    "/count",
    summary="How many notifications have I not read?",
    responses=responses(InvalidToken, ScopeMissing),
)
async def count_unread(caller: CurrentCaller, session: ReadSession) -> Unread:
    return Unread(unread=await queries.count_unread(session, caller))


@router.get(
    "/preferences",
    summary="What am I told of, and where?",
    description="For each kind of notification whether it is listed in the hub, and whether it is"
    " mailed.",
    responses=responses(InvalidToken, ScopeMissing),
)
async def list_preferences(caller: CurrentCaller, session: ReadSession) -> PreferencesRead:
    return PreferencesRead(preferences=await preferences.list_preferences(session, caller))


@router.patch(
    "/preferences",
    summary="Choose what I am told of, and where",
    description="With neither hub nor mail one isn't told of that kind at all.",
    responses=responses(InvalidToken, ScopeMissing),
)
async def choose_preferences(
    changes: PreferencesUpdate, caller: CurrentCaller, session: WriteSession
) -> PreferencesRead:
    await preferences.choose(session, caller, changes.preferences)
    return PreferencesRead(preferences=await preferences.list_preferences(session, caller))
