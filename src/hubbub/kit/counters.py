"""Counting events in fixed windows of time, for rate limits and login throttling.

Counting never waits: each process counts in memory, and where processes share a Redis they trade
their sums a few times a second. Without Redis, or while it is away, each process limits by what it
has seen itself.
"""

import asyncio
import contextlib
import time
from collections import defaultdict
from typing import Protocol

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

log = structlog.get_logger()


class Counters(Protocol):
    def hit(self, key: str, window: int) -> int:
        """Counts one, and returns how many there were in this window, itself included."""
        ...

    def count(self, key: str, window: int) -> int: ...

    def forget(self, key: str, window: int) -> None: ...


def seconds_left(window: int) -> int:
    return window - int(time.time()) % window


class LocalCounters:
    """A dictionary for each window; the whole of it is dropped when the window is over."""

    def __init__(self) -> None:
        self._windows: dict[int, tuple[int, dict[str, int]]] = {}

    def _current(self, window: int) -> dict[str, int]:
        number = int(time.time()) // window
        known = self._windows.get(window)
        if known is None or known[0] != number:
            known = (number, defaultdict(int))
            self._windows[window] = known
        return known[1]

    def hit(self, key: str, window: int) -> int:
        counts = self._current(window)
        counts[key] = counts.get(key, 0) + 1
        return counts[key]

    def count(self, key: str, window: int) -> int:
        return self._current(window).get(key, 0)

    def forget(self, key: str, window: int) -> None:
        self._current(window).pop(key, None)


class SharedCounters(LocalCounters):
    """Adds what the other processes have counted, at most `every` seconds late."""

    def __init__(self, redis: Redis, every: float = 0.25) -> None:
        super().__init__()
        self._redis = redis
        self._every = every
        self._unsent: defaultdict[tuple[str, int], int] = defaultdict(int)
        self._task: asyncio.Task[None] | None = None

    def hit(self, key: str, window: int) -> int:
        self._unsent[key, window] += 1
        return super().hit(key, window)

    def forget(self, key: str, window: int) -> None:
        self._unsent.pop((key, window), None)
        super().forget(key, window)
        task = asyncio.ensure_future(self._drop(key, window))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _drop(self, key: str, window: int) -> None:
        await self._redis.delete(self._name(key, window))

    @staticmethod
    def _name(key: str, window: int) -> str:
        return f"hubbub:count:{window}:{int(time.time()) // window}:{key}"

    async def trade(self) -> None:
        """Sends what was counted here and takes over the sums of all."""
        unsent, self._unsent = self._unsent, defaultdict(int)
        if not unsent:
            return
        async with self._redis.pipeline(transaction=False) as pipe:
            for (key, window), count in unsent.items():
                name = self._name(key, window)
                pipe.incrby(name, count)
                pipe.expire(name, window)
            sums = (await pipe.execute())[::2]
        for (key, window), total in zip(unsent, sums, strict=True):
            counts = self._current(window)
            counts[key] = total + self._unsent.get((key, window), 0)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            try:
                await self.trade()
            except (RedisError, OSError) as error:
                log.warning("counters.unshared", error=type(error).__name__)

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
