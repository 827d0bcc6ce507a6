"""Who connects to a socket: by header, by subprotocol, or by a ticket."""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from starlette.types import Scope

from hubbub.agents.credentials import actor_of
from hubbub.agents.state import AgentState
from hubbub.agents.types import Actor
from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.auth.types import Scope as Right
from hubbub.kit.errors import Unauthenticated
from hubbub.kit.http.credentials import presented
from hubbub.kit.http.guard import Hosts
from hubbub.kit.http.headers import headers_of
from hubbub.kit.resources import Resources
from hubbub.realtime import tickets
from hubbub.realtime.errors import BadCursor, ForeignOrigin
from hubbub.realtime.limits import Door

PROTOCOL = "hubbub"
_BEARER = "bearer."


class Admitted(NamedTuple):
    actor: Actor
    credential: str


class Query(NamedTuple):
    after: str | None
    ticket: str | None


def query_of(scope: Scope) -> Query:
    try:
        found = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=10)
    except ValueError as error:
        raise BadCursor from error
    return Query(found.get("after", [None])[0], found.get("ticket", [None])[0])


def subprotocol_of(scope: Scope) -> str | None:
    """The one that is answered: never the one with the credential in it."""
    return PROTOCOL if PROTOCOL in scope.get("subprotocols", ()) else None


async def admit(scope: Scope, resources: Resources, agents: AgentState) -> Admitted:
    check_origin(scope, resources)
    token = _token_of(scope)
    door = Door(resources, scope, token)
    door.knock()
    credential = token or await _redeemed(scope, resources)
    actor = await actor_of(agents.credentials, credential)
    if actor is None:
        door.stayed_shut()
        raise InvalidToken
    door.opened()
    if Right.READ not in actor.scopes:
        msg = f"It needs the scope {Right.READ}."
        raise ScopeMissing(msg)
    return Admitted(actor, credential)


def _token_of(scope: Scope) -> str | None:
    found = presented(scope)
    if found is not None and found.is_known_form:
        return found.token
    offered: Sequence[str] = scope.get("subprotocols", ())
    for each in offered:
        if each.startswith(_BEARER):
            return each.removeprefix(_BEARER) or None
    return None


async def _redeemed(scope: Scope, resources: Resources) -> str:
    ticket = query_of(scope).ticket
    if ticket is not None:
        credential = await tickets.redeem(resources.database, ticket)
        if credential is None:
            raise InvalidToken
        return credential
    msg = "Send Authorization: Bearer, the subprotocol bearer.TOKEN, or a ticket."
    raise Unauthenticated(msg)


def check_origin(scope: Scope, resources: Resources) -> None:
    """A browser says which page connects. Others say nothing, and have their credential."""
    origin = headers_of(scope).get(b"origin")
    if origin is None:
        return
    text = origin.decode("latin-1")
    http = resources.settings.http
    if text in http.cors_origins:
        return
    try:
        host = urlsplit(text).netloc.encode("latin-1")
    except ValueError:
        host = b""
    if not host or not Hosts(http.allowed_hosts).know({b"host": host}):
        raise ForeignOrigin
