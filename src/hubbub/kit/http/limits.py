"""How many requests one caller may make, and telling them where they stand."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

import structlog
from starlette.responses import Response
from starlette.types import Scope

from hubbub.kit.counters import Counters, seconds_left
from hubbub.kit.http.credentials import presented
from hubbub.kit.http.problems import problem
from hubbub.settings import LimitSettings

log = structlog.get_logger()

WINDOW = 60
REMEMBERED = 600
_UNLIMITED = frozenset({"/healthz"})


@lru_cache(4096)
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


def credential_accepted(scope: Scope) -> None:
    """Whoever has checked the credential of a request says so here: only then is it more than a
    word that anybody could make up, and has a limit of its own."""
    scope["state"]["credential_accepted"] = True


class _Entered(NamedTuple):
    """A request that came with a credential, on its way through the app."""

    address: str
    good: str
    is_known: bool


class RateLimit:
    """Limits by credential, or by address without one.

    A made-up credential would be a fresh allowance each time, so a request whose credential nobody
    has accepted counts against its address, and an address that has used these up is heard only
    with a credential that was good before.
    """

    def __init__(self, settings: LimitSettings) -> None:
        self.settings = settings

    def enter(self, scope: Scope) -> Response | None:
        """Counts the request; the refusal if that was one too many."""
        if not self.settings.enabled or scope["path"] in _UNLIMITED:
            return None
        counters: Counters = scope["app"].state.resources.counters
        client = scope.get("client")
        address = f"address:{address_key(client[0] if client else None)}"
        credential = presented(scope)
        if credential is None:
            limit = self.settings.anonymous_per_minute
            return self._tell(scope, limit, counters.hit(address, WINDOW))
        good = f"good:{credential.digest}"
        is_known = counters.count(good, REMEMBERED) > 0
        if not is_known:
            limit = self.settings.anonymous_per_minute
            if counters.count(address, WINDOW) >= limit:
                return self._tell(scope, limit, limit + 1)
        limit = self.settings.requests_per_minute
        refusal = self._tell(scope, limit, counters.hit(f"credential:{credential.digest}", WINDOW))
        if refusal is None:
            scope["state"]["entered"] = _Entered(address, good, is_known)
        return refusal

    def leave(self, scope: Scope) -> None:
        state = scope["state"]
        entered: _Entered | None = state.get("entered")
        if entered is None:
            return
        counters: Counters = scope["app"].state.resources.counters
        if not state.get("credential_accepted"):
            counters.hit(entered.address, WINDOW)
        elif not entered.is_known:
            counters.hit(entered.good, REMEMBERED)

    @staticmethod
    def _tell(scope: Scope, limit: int, used: int) -> Response | None:
        """Puts on the answer where the caller stands."""
        wait = seconds_left(WINDOW)
        left = max(0, limit - used)
        scope["state"]["allowance_headers"] = (
            (b"ratelimit-policy", b'"default";q=%d;w=%d' % (limit, WINDOW)),
            (b"ratelimit", b'"default";r=%d;t=%d' % (left, wait)),
        )
        if used <= limit:
            return None
        log.warning("request.refused", code="rate_limited", status=429)
        return problem(
            429,
            "rate_limited",
            "Too many requests from this credential or address",
            f"At most {limit} a minute; wait as long as Retry-After says.",
            headers={"Retry-After": str(wait)},
        )
