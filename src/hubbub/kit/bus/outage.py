"""Living with a server that may be away: say it once, and don't wait for it at every call."""

import random
import time

import structlog

log = structlog.get_logger()

_FIRST_WAIT = 0.1
_LONGEST_WAIT = 5.0


class Outage:
    """Logs `NAME.lost` when trouble begins and `NAME.restored` when it ends, once each."""

    def __init__(self, name: str) -> None:
        self._lost, self._restored = f"{name}.lost", f"{name}.restored"
        self._failures = 0
        self._began = 0.0
        self._retry_at = 0.0

    @property
    def lasts(self) -> bool:
        """Whether the last try failed and it is too early for the next."""
        return self._failures > 0 and time.monotonic() < self._retry_at

    def failed(self, error: BaseException) -> float:
        """Takes note of a failed try; returns after how many seconds to try again."""
        now = time.monotonic()
        if not self._failures:
            self._began = now
            log.warning(self._lost, error=type(error).__name__)
        wait: float = min(_FIRST_WAIT * 2.0 ** min(self._failures, 10), _LONGEST_WAIT)
        wait *= random.uniform(0.5, 1.0)  # noqa: S311 - so that many processes don't come at once
        self._failures += 1
        self._retry_at = now + wait
        return wait

    def over(self) -> None:
        if self._failures:
            log.info(self._restored, after=round(time.monotonic() - self._began, 1))
        self._failures = 0
