"""How many requests one caller may make, and telling him where he stands."""

import hashlib
from ipaddress import IPv6Address, ip_address

import structlog
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hubbub.kit.counters import Counters, seconds_left
from hubbub.kit.http.problems import problem
from hubbub.settings import LimitSettings

log = structlog.get_logger()

WINDOW = 60
REMEMBERED = 600
_UNLIMITED = frozenset({"/healthz"})


def address_key(address: str | None) -> str:
    """An IPv6 customer has a whole /64 to call from, so that counts as one address."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped or IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)


def credential_of(headers: Headers) -> str | None:
    return headers.get("authorization") or headers.get("x-api-key")


def credential_accepted(connection: HTTPConnection) -> None:
    """Whoever has checked the credential of a request says so here: only then is it more than a
    word that anybody could make up, and has a limit of its own."""
    connection.state.credential_accepted = True


class RateLimit:
    """Limits by credential, or by address without one.

    A made-up credential would be a fresh allowance each time, so a request whose credential nobody
    has accepted counts against its address, and an address that has used these up is heard only
    with a credential that was good before.
    """

    def __init__(self, app: ASGIApp, settings: LimitSettings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self.settings.enabled or scope["path"] in _UNLIMITED:
            return await self.app(scope, receive, send)
        counters: Counters = scope["app"].state.resources.counters
        client = scope.get("client")
        address = f"address:{address_key(client[0] if client else None)}"
        credential = credential_of(Headers(scope=scope))
        if credential is None:
            limit, used = self.settings.anonymous_per_minute, counters.hit(address, WINDOW)
            if used > limit:
                return await self._refuse(limit, scope, receive, send)
            return await self.app(scope, receive, _telling(send, limit, used))
        digest = hashlib.blake2b(credential.encode(), digest_size=16).hexdigest()
        good = f"good:{digest}"
        if not counters.count(good, REMEMBERED):
            limit = self.settings.anonymous_per_minute
            if counters.count(address, WINDOW) >= limit:
                return await self._refuse(limit, scope, receive, send)
        limit = self.settings.requests_per_minute
        used = counters.hit(f"credential:{digest}", WINDOW)
        if used > limit:
            return await self._refuse(limit, scope, receive, send)
        state = scope.setdefault("state", {})
        try:
            return await self.app(scope, receive, _telling(send, limit, used))
        finally:
            if not state.get("credential_accepted"):
                counters.hit(address, WINDOW)
            elif not counters.count(good, REMEMBERED):
                counters.hit(good, REMEMBERED)

    async def _refuse(self, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
        wait = seconds_left(WINDOW)
        refusal = problem(
            429,
            "rate_limited",
            "Too many requests from this credential or address",
            f"At most {limit} a minute; wait as long as Retry-After says.",
            headers={"Retry-After": str(wait)},
        )
        log.warning("request.refused", code="rate_limited", status=429)
        await refusal(scope, receive, _telling(send, limit, limit))


def _telling(send: Send, limit: int, used: int) -> Send:
    """Adds where the caller stands to the answer."""

    async def telling(message: Message) -> None:
        if message["type"] == "http.response.start":
            left = f'"default";r={limit - used};t={seconds_left(WINDOW)}'
            message["headers"] = [
                *message["headers"],
                (b"ratelimit-policy", f'"default";q={limit};w={WINDOW}'.encode()),
                (b"ratelimit", left.encode()),
            ]
        await send(message)

    return telling
