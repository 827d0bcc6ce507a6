from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, status

from hubbub.auth.dependencies import (
    CurrentCaller,
    CurrentTokens,
    MaybeCaller,
    OwnedKinds,
    UpdatingCaller,
    current_caller,
)
from hubbub.auth.errors import (
    HeirNotFound,
    InvalidToken,
    InvitationRequired,
    OwnsThings,
    ScopeMissing,
    SessionRequired,
    SignUpClosed,
    TooManyAttempts,
    WrongPassword,
)
from hubbub.auth.service import people
from hubbub.kit.errors import Unauthenticated
from hubbub.kit.http.dependencies import Page, ReadSession, WriteSession
from hubbub.kit.http.idempotency import Once
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.idempotency import InvalidKey, KeyReused
from hubbub.kit.pagination import InvalidCursor, PageOf
from hubbub.kit.schema import Line
from hubbub.users import service as users
from hubbub.users.errors import (
    AdminsOnly,
    EmailTaken,
    LastAdmin,
    NotYourself,
    UsernameTaken,
    UserNotFound,
)
from hubbub.users.schemas import UserCreate, UserRead, UserUpdate
from hubbub.users.types import UserSort

sign_up_router = ApiRouter(prefix="/users", tags=["Users"])
"""The one route here for somebody whom nobody knows yet."""
router = ApiRouter(
    prefix="/users",
    tags=["Users"],
    dependencies=[Depends(current_caller)],
    responses=responses(Unauthenticated),
)

UserId = Annotated[UUID, Path(description="The user's id.")]


@sign_up_router.post(
    "",
    summary="Sign up, or make an account for somebody",
    description="Open, by invitation or closed, as the hub is set up. An admin may always, but"
    " makes another admin only when signed in, not by an API key.",
    status_code=status.HTTP_201_CREATED,
    responses=responses(
        InvalidToken,
        ScopeMissing,
        SessionRequired,
        SignUpClosed,
        InvitationRequired,
        AdminsOnly,
        EmailTaken,
        UsernameTaken,
        InvalidKey,
        KeyReused,
    ),
)
async def create_user(
    new: UserCreate, caller: MaybeCaller, session: WriteSession, tokens: CurrentTokens, once: Once
) -> UserRead:
    newcomer = await people.admit(tokens, caller, new)
    who = caller.identity if caller else None
    return await once(session, who, new, people.sign_up(session, tokens, newcomer))


@router.get(
    "",
    summary="List and search people",
    description="Members see active people, without their addresses.",
    responses=responses(InvalidCursor, InvalidToken, ScopeMissing, AdminsOnly),
)
async def list_users(
    caller: CurrentCaller,
    session: ReadSession,
    page: Page,
    search: Annotated[
        Line | None,
        Query(min_length=1, max_length=100, description="Part of a name, or of an address."),
    ] = None,
    sort_by: Annotated[
        UserSort, Query(description="Newest first, or by name, or (admins) by address.")
    ] = UserSort.CREATED_AT,
) -> PageOf[UserRead]:
    rows, cursor = await users.list_users(session, caller, page, search=search, sort_by=sort_by)
    return PageOf(items=[users.shown_to(caller, row) for row in rows], next_cursor=cursor)


@router.get(
    "/{user_id}",
    summary="Read a user",
    responses=responses(InvalidToken, ScopeMissing, UserNotFound),
)
async def read_user(user_id: UserId, caller: CurrentCaller, session: ReadSession) -> UserRead:
    return users.shown_to(caller, await users.get_user(session, caller, user_id))


@router.patch(
    "/{user_id}",
    summary="Change a user",
    description="What is left out stays. Roles and activation are for admins, who make others"
    " admins only when signed in; one's own address needs the current password.",
    responses=responses(
        InvalidToken,
        ScopeMissing,
        SessionRequired,
        WrongPassword,
        TooManyAttempts,
        NotYourself,
        AdminsOnly,
        UserNotFound,
        EmailTaken,
        UsernameTaken,
        LastAdmin,
    ),
)
async def update_user(
    user_id: UserId,
    changes: UserUpdate,
    caller: UpdatingCaller,
    session: WriteSession,
    tokens: CurrentTokens,
) -> UserRead:
    user = await people.update_user(session, tokens, caller, user_id, changes)
    return users.shown_to(caller, user)


@router.delete(
    "/{user_id}",
    summary="Delete a user",
    description="If the user owns things, say what becomes of them: `heir_id` inherits all of it,"
    " or `discard=true` deletes it. One's own account takes a session, not an API key.",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=responses(
        InvalidToken,
        ScopeMissing,
        SessionRequired,
        NotYourself,
        UserNotFound,
        HeirNotFound,
        OwnsThings,
        LastAdmin,
    ),
)
async def delete_user(
    user_id: UserId,
    caller: CurrentCaller,
    session: WriteSession,
    tokens: CurrentTokens,
    owned: OwnedKinds,
    heir_id: Annotated[UUID | None, Query(description="Who inherits.")] = None,
    discard: Annotated[bool, Query(description="Delete what the user owns.")] = False,
) -> None:
    await people.delete_user(
        session, tokens, caller, user_id, owned, heir_id=heir_id, discard=discard
    )
