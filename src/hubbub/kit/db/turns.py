"""Taking turns at writing, for SQLite, which has one writer at a time.

Sessions that contend for the file's own lock sleep and retry; taking turns on a fair lock that
lives on the event loop is an order of magnitude faster and starves nobody.
"""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Any

from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry
from sqlalchemy.util import await_only

PATIENCE = 30.0
"""Seconds to wait for a turn before giving up; only a writer that hangs makes anybody wait so."""


class AlreadyWritingError(RuntimeError):
    """Code that holds a write session asked for another turn; it would wait for itself."""


class WriteTurns:
    def __init__(self, observe_hold: Callable[[float], None], patience: float = PATIENCE) -> None:
        self._lock = asyncio.Lock()
        self._holder: asyncio.Task[object] | None = None
        self._taken_at = 0.0
        self._observe_hold = observe_hold
        self.patience = patience
        self.waiting = 0

    def held_here(self) -> bool:
        """Whether it is this very task's turn."""
        return self._holder is not None and self._holder is asyncio.current_task()

    async def take(self) -> None:
        task = asyncio.current_task()
        if self.held_here():
            msg = "this task holds a write session already; emit an outbox event instead"
            raise AlreadyWritingError(msg)
        if self.waiting or self._lock.locked():
            await self._wait()
        else:
            await self._lock.acquire()  # at once
        self._holder = task
        self._taken_at = perf_counter()

    async def _wait(self) -> None:
        self.waiting += 1
        try:
            async with asyncio.timeout(self.patience):
                await self._lock.acquire()
        except TimeoutError as error:
            msg = f"no turn to write within {self.patience} s"
            raise PoolTimeout(msg) from error
        finally:
            self.waiting -= 1

    def release(self) -> None:
        self._observe_hold(perf_counter() - self._taken_at)
        self._holder = None
        self._lock.release()


class TurnPool(AsyncAdaptedQueuePool):
    """A pool of the one connection that writes: whoever checks it out has waited for the turn.

    The turn begins before the connection is handed out and ends when it is back, rolled back or
    closed. Tied to the pool like this, no error and no cancellation can lose or keep a turn.
    """

    def __init__(
        self, creator: Callable[[], Any], turns: WriteTurns | None = None, **options: Any
    ) -> None:
        super().__init__(creator, **options)
        self.turns = turns or WriteTurns(lambda _: None)

    def _do_get(self) -> ConnectionPoolEntry:
        await_only(self.turns.take())
        try:
            return super()._do_get()
        except BaseException:
            self.turns.release()
            raise

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        try:
            super()._do_return_conn(record)
        finally:
            self.turns.release()

    def recreate(self) -> "TurnPool":
        fresh = super().recreate()
        assert isinstance(fresh, TurnPool)  # noqa: S101 - it is made by this very class
        fresh.turns = self.turns
        return fresh
