"""Where a reader's events go. Nobody is waited for: who reads too slowly is cut off, and goes on
from their cursor later."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from starlette.types import Message

from hubbub.realtime.errors import SLOW, SLOW_REASON
from hubbub.realtime.forms import Form

MOST_BYTES = 1024 * 1024
MOST_EVENTS = 256


class Outlet(Protocol):
    form: Form

    def put(self, event: bytes) -> None:
        """At once or in a moment; nothing after the end."""
        ...

    async def drained(self) -> None:
        """Returns when the reader has taken most of it, or is gone."""
        ...

    def close(self, code: int, reason: str) -> None: ...


class Line(Outlet, Protocol):
    """What our own server offers for a socket: an outlet that writes whole frames to it, and tells
    what the client says."""

    def listen(self, hear: Callable[[Message], None]) -> None:
        """From here on `hear` is called with what comes, and then nothing until `go_on`."""
        ...

    def go_on(self) -> None: ...

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """In a task that the server waits for when it ends."""
        ...


class QueueOutlet:
    """Keeps events for somebody who sends them one by one."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.closed: tuple[int, str] | None = None
        self._events: deque[bytes] = deque()
        self._size = 0
        self._more = asyncio.Event()
        self._less = asyncio.Event()
        self._less.set()

    def put(self, event: bytes) -> None:
        if self.closed is not None:
            return
        self._events.append(event)
        self._size += len(event)
        self._more.set()
        waiting = len(self._events)
        if waiting >= MOST_EVENTS // 4 or self._size > MOST_BYTES // 4:
            self._less.clear()
        if waiting > MOST_EVENTS or (waiting > 1 and self._size > MOST_BYTES):
            self._events.clear()
            self.close(SLOW, SLOW_REASON)

    async def drained(self) -> None:
        await self._less.wait()

    def close(self, code: int, reason: str) -> None:
        if self.closed is None:
            self.closed = code, reason
            self._more.set()
            self._less.set()

    async def taken(self, seconds: float | None = None) -> list[bytes] | None:
        """What has come, all at once; nothing when the time is over, None at the end."""
        try:
            async with asyncio.timeout(seconds):
                await self._more.wait()
        except TimeoutError:
            return []
        events, self._events = list(self._events), deque()
        self._size = 0
        self._less.set()
        if self.closed is None:
            self._more.clear()
        return events or (None if self.closed is not None else [])
