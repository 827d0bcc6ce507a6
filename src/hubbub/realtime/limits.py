"""A connection counts like a request, and so does each frame: in the same allowances, so that a
socket is no way around them."""

from starlette.types import Scope

from hubbub.kit.counters import seconds_left
from hubbub.kit.http.limits import REMEMBERED, WINDOW, address_key
from hubbub.kit.keys import token_hash
from hubbub.kit.resources import Resources
from hubbub.realtime.errors import RateLimited


class Door:
    """One attempt to connect. A credential that nobody has accepted is only a word, so it counts
    against the address too."""

    def __init__(self, resources: Resources, scope: Scope, token: str | None) -> None:
        client = scope.get("client")
        self._settings = resources.settings.limits
        self._counters = resources.counters
        self._address = f"address:{address_key(client[0] if client else None)}"
        self._digest = token_hash(token).hex() if token is not None else None

    def knock(self) -> None:
        if not self._settings.enabled:
            return
        most = self._settings.anonymous_per_minute
        if self._digest is None:
            _refuse_above(most, self._counters.hit(self._address, WINDOW))
            return
        if not self._counters.count(f"good:{self._digest}", REMEMBERED):
            _refuse_above(most, self._counters.count(self._address, WINDOW) + 1)
        used = self._counters.hit(f"credential:{self._digest}", WINDOW)
        _refuse_above(self._settings.requests_per_minute, used)

    def opened(self) -> None:
        if self._digest is not None:
            self._counters.hit(f"good:{self._digest}", REMEMBERED)

    def stayed_shut(self) -> None:
        if self._digest is not None:
            self._counters.hit(self._address, WINDOW)


def count_frame(resources: Resources, token: str) -> None:
    settings = resources.settings.limits
    if settings.enabled:
        used = resources.counters.hit(f"credential:{token_hash(token).hex()}", WINDOW)
        _refuse_above(settings.requests_per_minute, used)


def _refuse_above(most: int, used: int) -> None:
    if used > most:
        wait = seconds_left(WINDOW)
        msg = f"At most {most} a minute, requests and frames together; wait {wait} seconds."
        raise RateLimited(msg, retry_after=wait)
