"""How many requests one caller may make, and telling him where he stands."""

import hashlib
from ipaddress import IPv6Address, ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hubbub.kit.counters import Counters, seconds_left
from hubbub.kit.http.problems import problem
from hubbub.settings import LimitSettings

WINDOW = 60


def address_key(address: str | None) -> str:
    """An IPv6 customer has a whole /64 to call from, so that counts as one address."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)


def credential_of(headers: Headers) -> str | None:
    return headers.get("authorization") or headers.get("x-api-key")


class RateLimit:
    """Limits by credential, or by address without one.

    A made-up credential would be a fresh allowance each time, so answers of 401 count against the
    address, and an address that has used these up is heard only with a credential that was good
    before.
    """

    def __init__(self, app: ASGIApp, settings: LimitSettings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self.settings.enabled or scope["path"] == "/healthz":
            return await self.app(scope, receive, send)
        counters: Counters = scope["app"].state.resources.counters
        client = scope.get("client")
        address = f"address:{address_key(client[0] if client else None)}"
        credential = credential_of(Headers(scope=scope))
        if credential is None:
            key, limit, used = address, self.settings.anonymous_per_minute, None
        else:
            digest = hashlib.blake2b(credential.encode(), digest_size=16).hexdigest()
            key, limit = f"credential:{digest}", self.settings.requests_per_minute
            known = counters.count(f"good:{digest}", WINDOW * 10)
            spent = counters.count(address, WINDOW) >= self.settings.anonymous_per_minute
            used = limit + 1 if spent and not known else None
        used = used or counters.hit(key, WINDOW)
        if used > limit:
            return await self._refuse(limit, scope, receive, send)

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                if credential is not None:
                    if message["status"] == 401:
                        counters.hit(address, WINDOW)
                    elif used == 1:
                        counters.hit(f"good:{digest}", WINDOW * 10)
                headers = MutableHeaders(scope=message)
                headers["RateLimit-Policy"] = f'"default";q={limit};w={WINDOW}'
                headers["RateLimit"] = f'"default";r={limit - used};t={seconds_left(WINDOW)}'
            await send(message)

        return await self.app(scope, receive, told)

    async def _refuse(self, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
        wait = seconds_left(WINDOW)
        refusal = problem(
            429,
            "rate_limited",
            "Too many requests from this credential or address",
            f"At most {limit} a minute; wait as long as Retry-After says.",
            headers={
                "Retry-After": str(wait),
                "RateLimit-Policy": f'"default";q={limit};w={WINDOW}',
                "RateLimit": f'"default";r=0;t={wait}',
            },
        )
        await refusal(scope, receive, send)
