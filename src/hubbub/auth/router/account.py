from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, status

from hubbub.auth import queries
from hubbub.auth.dependencies import (
    ConfirmedCaller,
    CurrentCaller,
    CurrentTokens,
    SignedInCaller,
    reset_throttle,
)
from hubbub.auth.errors import (
    InvalidToken,
    ResetExpired,
    ScopeMissing,
    SessionNotFound,
    SessionRequired,
    TooManyAttempts,
    WrongPassword,
)
from hubbub.auth.schemas import Me, PasswordChange, ResetConfirm, ResetRequest, SessionRead
from hubbub.auth.service import passwords, sessions
from hubbub.kit.http.dependencies import Page, ReadSession, WriteSession
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.pagination import InvalidCursor, PageOf
from hubbub.users import service as users

router = ApiRouter(prefix="/auth", tags=["Account"])


@router.get("/me", summary="Who am I?", responses=responses(InvalidToken, ScopeMissing))
async def read_me(caller: CurrentCaller, session: ReadSession) -> Me:
    user = await users.get_user(session, caller, caller.user_id)
    return Me(
        user=users.shown_to(caller, user),
        scopes=sorted(caller.scopes),
        session_id=caller.session_id,
        api_key_id=caller.api_key_id,
    )


@router.get(
    "/sessions",
    summary="Where am I signed in?",
    description="Newest first.",
    responses=responses(InvalidCursor, InvalidToken, ScopeMissing),
)
async def list_sessions(
    caller: CurrentCaller, session: ReadSession, tokens: CurrentTokens, page: Page
) -> PageOf[SessionRead]:
    rows, cursor = await queries.list_sessions(session, caller, tokens.now(), page)
    reads = [SessionRead.model_validate(row) for row in rows]
    for read in reads:
        read.current = read.id == caller.session_id
    return PageOf(items=reads, next_cursor=cursor)


@router.delete(
    "/sessions",
    summary="Sign out everywhere else",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=responses(InvalidToken, SessionRequired),
)
async def end_other_sessions(
    caller: SignedInCaller, session: WriteSession, tokens: CurrentTokens
) -> None:
    await sessions.end_other_sessions(session, tokens, caller)


@router.delete(
    "/sessions/{session_id}",
    summary="End one session",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=responses(InvalidToken, SessionRequired, SessionNotFound),
)
async def end_session(
    session_id: Annotated[UUID, Path(description="One of your own sessions.")],
    caller: SignedInCaller,
    session: WriteSession,
    tokens: CurrentTokens,
) -> None:
    await sessions.end_session(session, tokens, caller, session_id)


@router.post(
    "/password",
    summary="Change the password",
    description="Every other session ends; API keys stay.",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=responses(InvalidToken, SessionRequired, WrongPassword, TooManyAttempts),
)
async def change_password(
    change: PasswordChange, caller: ConfirmedCaller, session: WriteSession, tokens: CurrentTokens
) -> None:
    await passwords.change_password(session, tokens, caller, change)


@router.post(
    "/password-reset",
    summary="Ask for a way back in",
    description="If the address belongs to somebody here, a link is mailed to it. The answer is"
    " the same in either case.",
    status_code=status.HTTP_202_ACCEPTED,
    responses=responses(TooManyAttempts),
    dependencies=[Depends(reset_throttle)],
)
async def ask_for_reset(body: ResetRequest, session: WriteSession) -> None:
    passwords.ask_for_reset(session, body.email)


@router.post(
    "/password-reset/confirm",
    summary="Set a new password with the mailed token",
    description="The token is good once. Every session ends.",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=responses(ResetExpired),
)
async def finish_reset(body: ResetConfirm, session: WriteSession, tokens: CurrentTokens) -> None:
    await passwords.finish_reset(session, tokens, body)
