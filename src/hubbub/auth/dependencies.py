"""From a credential to who is calling: the one chain that every guarded route goes through."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, OAuth2PasswordBearer, OAuth2PasswordRequestForm
from pydantic import MISSING

from hubbub.auth.errors import (
    InvalidToken,
    ScopeMissing,
    WrongPassword,
)
from hubbub.auth.passwords import password_matches
from hubbub.auth.schemas import PasswordChange, ResetRequest
from hubbub.auth.service.callers import caller_of, check_signed_in
from hubbub.auth.service.people import Owned
from hubbub.auth.service.sessions import Attempt
from hubbub.auth.throttle import Throttle
from hubbub.auth.tokens import Tokens
from hubbub.auth.types import Caller, Scope
from hubbub.kit.context import address_of
from hubbub.kit.errors import Unauthenticated
from hubbub.kit.http.dependencies import CurrentResources
from hubbub.kit.http.limits import credential_accepted
from hubbub.kit.resources import Resources
from hubbub.kit.schema import storable
from hubbub.users.errors import AdminsOnly
from hubbub.users.models import User
from hubbub.users.queries import find_by_login, find_for_sign_in
from hubbub.users.schemas import UserUpdate

_oauth2 = OAuth2PasswordBearer("/api/v1/auth/token", scheme_name="Password", auto_error=False)
_api_key = APIKeyHeader(name="X-API-Key", scheme_name="ApiKey", auto_error=False)

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


async def get_tokens(resources: CurrentResources) -> Tokens:
    return Tokens(resources.keys, resources.settings.auth, resources.clock)


CurrentTokens = Annotated[Tokens, Depends(get_tokens)]


async def get_credential(
    bearer: Annotated[str | None, Depends(_oauth2)],
    api_key: Annotated[str | None, Depends(_api_key)],
) -> str | None:
    return bearer or api_key


Credential = Annotated[str | None, Depends(get_credential)]


async def maybe_caller(
    request: Request,
    credential: Credential,
    tokens: CurrentTokens,
    resources: CurrentResources,
) -> Caller | None:
    """Who is calling, if anybody says so. A credential that is wrong is refused all the same.

    Looks into the database in a short session of its own: the handler's session must not be the
    second one of the request that takes a connection.
    """
    if credential is None:
        return None
    async with resources.database.read() as session:
        caller = await caller_of(session, tokens, credential)
    if caller is None:
        raise InvalidToken
    credential_accepted(request.scope)
    check_scope(caller.scopes, request.method)
    return caller


def check_scope(scopes: frozenset[Scope], method: str) -> None:
    needed = Scope.READ if method in _SAFE else Scope.WRITE
    if needed not in scopes:
        msg = f"It needs the scope {needed}."
        raise ScopeMissing(msg)


MaybeCaller = Annotated[Caller | None, Depends(maybe_caller)]


async def current_caller(caller: MaybeCaller) -> Caller:
    if caller is None:
        msg = "Send Authorization: Bearer with an access token or an API key, or X-API-Key."
        raise Unauthenticated(msg)
    return caller


CurrentCaller = Annotated[Caller, Depends(current_caller)]


async def current_admin(caller: CurrentCaller) -> Caller:
    if not caller.is_admin:
        msg = "It needs the role admin and, with an API key, the scope admin."
        raise AdminsOnly(msg)
    return caller


CurrentAdmin = Annotated[Caller, Depends(current_admin)]


async def signed_in_caller(caller: CurrentCaller) -> Caller:
    check_signed_in(caller)
    return caller


SignedInCaller = Annotated[Caller, Depends(signed_in_caller)]


async def _checked(throttle: Throttle, user: User | None, password: str) -> bool:
    throttle.check()
    matches = await password_matches(password, user.password_hash if user else None)
    # once more: a burst of guesses was let in together and waited for the hashing together
    throttle.check()
    matches = matches and not throttle.account_is_used_up()
    if not matches:
        throttle.failed()
    return matches


async def sign_in_attempt(
    request: Request,
    form: Annotated[OAuth2PasswordRequestForm, Depends()],
    resources: CurrentResources,
) -> Attempt:
    """Checks the password of a sign-in form, before any transaction begins."""
    address = address_of(request.scope)
    login = storable(form.username)
    throttle = Throttle(resources, login, address)
    throttle.check()
    async with resources.database.read() as session:
        user = await find_by_login(session, login)
    meant = user.id if user is not None else None
    if user is not None and not user.is_active:
        user = None
    if user is not None:
        throttle.is_for(user)
    matches = await _checked(throttle, user, storable(form.password))
    user_agent = request.headers.get("user-agent")
    return Attempt(user if matches else None, address, user_agent, meant)


SignInAttempt = Annotated[Attempt, Depends(sign_in_attempt)]


async def _confirm_password(
    request: Request, resources: Resources, caller: Caller, password: str
) -> None:
    address = address_of(request.scope)
    async with resources.database.read() as session:
        user = await find_for_sign_in(session, caller.user_id)
    throttle = Throttle(resources, str(caller.user_id), address)
    if not await _checked(throttle, user, password):
        raise WrongPassword


async def confirmed_change(
    request: Request, change: PasswordChange, caller: SignedInCaller, resources: CurrentResources
) -> Caller:
    """The signed-in person, who has just proved to know the current password."""
    await _confirm_password(request, resources, caller, change.current_password.get_secret_value())
    return caller


ConfirmedCaller = Annotated[Caller, Depends(confirmed_change)]


async def caller_for_update(
    request: Request,
    user_id: UUID,
    changes: UserUpdate,
    caller: CurrentCaller,
    resources: CurrentResources,
) -> Caller:
    """An e-mail address opens the account, by way of a reset: to change one's own takes proof of
    being more than somebody at an unlocked screen. Admins change others' without."""
    if changes.email is not MISSING and user_id == caller.user_id:
        given = changes.current_password
        check_signed_in(caller)
        if given is MISSING:
            raise WrongPassword
        await _confirm_password(request, resources, caller, given.get_secret_value())
    return caller


UpdatingCaller = Annotated[Caller, Depends(caller_for_update)]


async def reset_throttle(request: Request, body: ResetRequest, resources: CurrentResources) -> None:
    """Every mail that is asked for counts, whether or not there is anybody to get it."""
    throttle = Throttle(resources, f"reset:{body.email}", address_of(request.scope))
    throttle.check()
    throttle.failed()


async def get_owned(request: Request) -> Sequence[Owned]:
    owned: Sequence[Owned] = request.app.state.owned
    return owned


OwnedKinds = Annotated[Sequence[Owned], Depends(get_owned)]
