from fastapi import status

from hubbub.auth.dependencies import CurrentTokens, SignedInCaller, SignInAttempt
from hubbub.auth.errors import (
    InvalidCredentials,
    InvalidToken,
    RefreshReused,
    SessionRequired,
    TooManyAttempts,
)
from hubbub.auth.schemas import RefreshRequest, TokenPair
from hubbub.auth.service import sessions
from hubbub.kit.http.dependencies import WriteSession
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter

router = ApiRouter(prefix="/auth", tags=["Authentication"])


@router.post(
    "/token",
    summary="Sign in",
    description="OAuth2's password form. `username` takes the e-mail address or the username.",
    responses=responses(InvalidCredentials, TooManyAttempts),
)
async def sign_in(
    attempt: SignInAttempt, session: WriteSession, tokens: CurrentTokens
) -> TokenPair:
    return await sessions.sign_in(session, tokens, attempt)


@router.post(
    "/refresh",
    summary="Get the next pair of tokens",
    description="A refresh token is good once; using one twice ends its session.",
    responses=responses(InvalidToken, RefreshReused),
)
async def refresh(body: RefreshRequest, session: WriteSession, tokens: CurrentTokens) -> TokenPair:
    return await sessions.refresh(session, tokens, body.refresh_token)


@router.post(
    "/logout",
    summary="Sign out",
    description="Ends this session: its access and refresh tokens count no more.",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=responses(InvalidToken, SessionRequired),
)
async def sign_out(caller: SignedInCaller, session: WriteSession, tokens: CurrentTokens) -> None:
    await sessions.sign_out(session, tokens, caller)
