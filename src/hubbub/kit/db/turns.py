"""Taking turns at writing, for SQLite, which has one writer at a time.

Sessions that contend for the file's own lock sleep and retry; taking turns on a fair lock that
lives on the event loop is an order of magnitude faster and starves nobody.
"""

import asyncio
from collections.abc import Callable
from time import perf_counter


class AlreadyWritingError(RuntimeError):
    """Code that holds a write session asked for another turn; it would wait for itself."""


class WriteTurns:
    def __init__(self, observe_hold: Callable[[float], None]) -> None:
        self._lock = asyncio.Lock()
        self._holder: asyncio.Task[object] | None = None
        self._taken_at = 0.0
        self._observe_hold = observe_hold

    async def take(self) -> None:
        task = asyncio.current_task()
        if task is not None and self._holder is task:
            msg = "this task holds a write session already; emit an outbox event instead"
            raise AlreadyWritingError(msg)
        await self._lock.acquire()
        self._holder = task
        self._taken_at = perf_counter()

    def release(self) -> None:
        self._observe_hold(perf_counter() - self._taken_at)
        self._holder = None
        self._lock.release()
