"""How many live connections a participant has in all processes that share a Redis.

Each process keeps a hash of its own in Redis, which ends by itself when nobody renews it: what a
process that was killed has left behind is gone within a minute.
"""

import asyncio
import secrets
from typing import Any, cast
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from hubbub.agents.presence import PresenceBuffer
from hubbub.kit.jobs.loop import Loop
from hubbub.realtime.presence import Presence

log = structlog.get_logger()

_PROCESSES = "hubbub:presence"
_SECONDS = 45
_RENEW = 15.0
_PATIENCE = 2.0


def _key(process: str) -> str:
    return f"{_PROCESSES}:{process}"


class SharedPresence(Presence):
    def __init__(self, redis: Redis, buffer: PresenceBuffer) -> None:
        super().__init__(buffer, alone=False)
        self._redis = redis
        self._process = secrets.token_hex(8)
        self._changed: set[UUID] = set()
        self._loop = Loop("presence", self.share, _RENEW)

    def start(self) -> None:
        self._loop.start()

    async def stop(self) -> None:
        await self._loop.stop()
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._redis.delete(_key(self._process))
        except (RedisError, OSError):
            log.info("presence.left_behind")

    def _noted(self, participant_id: UUID) -> None:
        super()._noted(participant_id)
        self._changed.add(participant_id)
        self._loop.ring()

    async def count(self, participant_id: UUID) -> int | None:
        try:
            async with asyncio.timeout(_PATIENCE):
                return self._here[participant_id] + await self._elsewhere(participant_id)
        except (RedisError, OSError):
            return None

    async def everyone(self) -> set[UUID] | None:
        here = set(self._here)
        try:
            async with asyncio.timeout(_PATIENCE):
                return here | await self._all_elsewhere()
        except (RedisError, OSError):
            return None

    async def _all_elsewhere(self) -> set[UUID]:
        others = await self._others()
        async with self._redis.pipeline(transaction=False) as pipe:
            for process in others:
                cast("Any", pipe).hkeys(_key(process))
            found = await pipe.execute()
        return {UUID(each.decode()) for some in found for each in some}

    async def _elsewhere(self, participant_id: UUID) -> int:
        others = await self._others()
        async with self._redis.pipeline(transaction=False) as pipe:
            for process in others:
                cast("Any", pipe).hget(_key(process), str(participant_id))
            return sum(int(found or 0) for found in await pipe.execute())

    async def _others(self) -> set[str]:
        processes = await cast("Any", self._redis.smembers(_PROCESSES))
        return {each.decode() for each in processes} - {self._process}

    async def share(self) -> None:
        """Tells Redis what has changed, or all of it to one that has forgotten."""
        changed, self._changed = self._changed, set()
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._share(changed)
        except (RedisError, OSError) as error:
            self._changed |= changed
            log.info("presence.not_shared", error=type(error).__name__)

    async def _share(self, changed: set[UUID]) -> None:
        mine = _key(self._process)
        known = await self._redis.exists(mine)
        told = changed if known else set(self._here)
        there = {str(each): self._here[each] for each in told if each in self._here}
        gone = [str(each) for each in told if each not in self._here]
        async with self._redis.pipeline(transaction=False) as pipe:
            asking = cast("Any", pipe)
            if there:
                asking.hset(mine, mapping=there)
            if gone:
                asking.hdel(mine, *gone)
            asking.expire(mine, _SECONDS)
            asking.sadd(_PROCESSES, self._process)
            await pipe.execute()
        if not known:
            await self._sweep()

    async def _sweep(self) -> None:
        """Names of processes that have ended."""
        for process in await self._others():
            if not await self._redis.exists(_key(process)):
                await cast("Any", self._redis.srem(_PROCESSES, process))
