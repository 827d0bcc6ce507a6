"""Counting together: the processes that share a Redis or Valkey trade their sums."""

import asyncio
import contextlib
from collections import defaultdict

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from hubbub.kit.counters import LocalCounters, Place, place_now

log = structlog.get_logger()


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
