"""Counting events in fixed windows of time, for rate limits and login throttling.

Counting never waits: each process counts in memory, and where processes share a Redis they trade
their sums a few times a second. Without Redis, or while it is away, each process limits by what it
has seen itself.
"""

import asyncio
import contextlib
import time
from collections import defaultdict
from typing import NamedTuple, Protocol

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


class Place(NamedTuple):
    """One key in one window of time."""

    window: int
    number: int
    key: str

    @property
    def is_over(self) -> bool:
        return int(time.time()) // self.window != self.number


def place_now(key: str, window: int) -> Place:
    return Place(window, int(time.time()) // window, key)


class LocalCounters:
    """A dictionary for each window; the whole of it is dropped when the window is over."""

    def __init__(self) -> None:
        self._windows: dict[int, tuple[int, defaultdict[str, int]]] = {}

    def _counts(self, window: int) -> defaultdict[str, int]:
        current = int(time.time()) // window
        number, counts = self._windows.get(window, (None, None))
        if counts is None or number != current:
            counts = defaultdict(int)
            self._windows[window] = current, counts
        return counts

    def hit(self, key: str, window: int) -> int:
        counts = self._counts(window)
        counts[key] = used = counts[key] + 1
        return used

    def count(self, key: str, window: int) -> int:
        return self._counts(window).get(key, 0)

    def forget(self, key: str, window: int) -> None:
        self._counts(window).pop(key, None)


class SharedCounters(LocalCounters):
    """Adds what the other processes have counted, at most `every` seconds late."""

    def __init__(self, redis: Redis, every: float = 0.25) -> None:
        super().__init__()
        self._redis = redis
        self._every = every
        self._unsent: defaultdict[Place, int] = defaultdict(int)
        self._forgotten: set[Place] = set()
        self._task: asyncio.Task[None] | None = None
        self._away = False

    def hit(self, key: str, window: int) -> int:
        self._unsent[place_now(key, window)] += 1
        return super().hit(key, window)

    def count(self, key: str, window: int) -> int:
        self._unsent[place_now(key, window)] += 0  # nothing to send, but a sum to ask for
        return super().count(key, window)

    def forget(self, key: str, window: int) -> None:
        place = place_now(key, window)
        self._unsent.pop(place, None)
        self._forgotten.add(place)
        super().forget(key, window)

    async def trade(self) -> None:
        """Sends what was counted here and takes over the sums of all."""
        unsent, self._unsent = self._unsent, defaultdict(int)
        forgotten, self._forgotten = self._forgotten, set()
        if not unsent and not forgotten:
            return
        try:
            sums = await self._send(unsent, forgotten)
        except BaseException:
            self._take_back(unsent, forgotten)
            raise
        for place, total in sums.items():
            if not place.is_over and place not in self._forgotten:
                # what was hit meanwhile is not in the sum yet
                self._counts(place.window)[place.key] = total + self._unsent.get(place, 0)

    async def _send(self, unsent: dict[Place, int], forgotten: set[Place]) -> dict[Place, int]:
        places = [place for place in unsent if not place.is_over]
        # only written down until execute(), whatever their types say
        async with self._redis.pipeline(transaction=False) as pipe:
            for place in forgotten:
                _ = pipe.delete(_name(place))
            for place in places:
                _ = pipe.incrby(_name(place), unsent[place])
                _ = pipe.expire(_name(place), place.window)
            answers = await pipe.execute()
        return dict(zip(places, answers[len(forgotten) :: 2], strict=True))

    def _take_back(self, unsent: dict[Place, int], forgotten: set[Place]) -> None:
        """For the next time; what is over by then doesn't matter any more, nor does a question."""
        for place, count in unsent.items():
            if count and not place.is_over and place not in self._forgotten:
                self._unsent[place] += count
        self._forgotten |= {place for place in forgotten if not place.is_over}

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            try:
                await self.trade()
            except (RedisError, OSError) as error:
                if not self._away:
                    log.warning("counters.unshared", error=type(error).__name__)
                self._away = True
            else:
                self._away = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task


def _name(place: Place) -> str:
    return f"hubbub:count:{place.window}:{place.number}:{place.key}"
