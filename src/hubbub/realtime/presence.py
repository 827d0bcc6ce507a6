"""How many live connections a participant has: in this process, or in all that share a Redis.

Each process keeps a hash of its own in Redis, which ends by itself when nobody renews it: what a
process that was killed has left behind is gone within a minute.
"""

import asyncio
import secrets
from collections import Counter
from typing import Any, cast
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from hubbub.agents.presence import PresenceBuffer
from hubbub.kit.jobs.loop import Loop

log = structlog.get_logger()

_PROCESSES = "hubbub:presence"
_SECONDS = 45
_RENEW = 15.0
_PATIENCE = 2.0


def _key(process: str) -> str:
    return f"{_PROCESSES}:{process}"


class Presence:
    def __init__(self, redis: Redis | None, buffer: PresenceBuffer, *, alone: bool) -> None:
        """`alone`: whether there can be no other process."""
        self._redis = redis
        self._buffer = buffer
        self._alone = alone
        self._process = secrets.token_hex(8)
        self._here: Counter[UUID] = Counter()
        self._changed: set[UUID] = set()
        self._loop = Loop("presence", self.share, _RENEW)

    def start(self) -> None:
        if self._redis is not None:
            self._loop.start()

    async def stop(self) -> None:
        await self._loop.stop()
        if self._redis is not None:
            try:
                async with asyncio.timeout(_PATIENCE):
                    await self._redis.delete(_key(self._process))
            except (RedisError, OSError):
                log.info("presence.left_behind")

    def connected(self, participant_id: UUID) -> None:
        self._here[participant_id] += 1
        self._noted(participant_id)

    def disconnected(self, participant_id: UUID) -> None:
        self._here[participant_id] -= 1
        if not self._here[participant_id]:
            del self._here[participant_id]
        self._noted(participant_id)

    def _noted(self, participant_id: UUID) -> None:
        self._buffer.seen(participant_id)
        if self._redis is not None:
            self._changed.add(participant_id)
            self._loop.ring()

    async def count(self, participant_id: UUID) -> int | None:
        here = self._here[participant_id]
        if self._redis is None:
            return here if here or self._alone else None
        try:
            async with asyncio.timeout(_PATIENCE):
                return here + await self._elsewhere(self._redis, participant_id)
        except (RedisError, OSError):
            return None

    async def everyone(self) -> set[UUID] | None:
        here = set(self._here)
        if self._redis is None:
            return here if self._alone else None
        try:
            async with asyncio.timeout(_PATIENCE):
                return here | await self._all_elsewhere(self._redis)
        except (RedisError, OSError):
            return None

    async def _all_elsewhere(self, redis: Redis) -> set[UUID]:
        processes = await cast("Any", redis.smembers(_PROCESSES))
        others = {each.decode() for each in processes} - {self._process}
        async with redis.pipeline(transaction=False) as pipe:
            for process in others:
                cast("Any", pipe).hkeys(_key(process))
            found = await pipe.execute()
        return {UUID(each.decode()) for some in found for each in some}

    async def _elsewhere(self, redis: Redis, participant_id: UUID) -> int:
        processes = await cast("Any", redis.smembers(_PROCESSES))
        others = {each.decode() for each in processes} - {self._process}
        async with redis.pipeline(transaction=False) as pipe:
            for process in others:
                cast("Any", pipe).hget(_key(process), str(participant_id))
            return sum(int(found or 0) for found in await pipe.execute())

    async def share(self) -> None:
        """Tells Redis what has changed, or all of it to one that has forgotten."""
        if self._redis is None:
            return
        changed, self._changed = self._changed, set()
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._share(self._redis, changed)
        except (RedisError, OSError) as error:
            self._changed |= changed
            log.info("presence.not_shared", error=type(error).__name__)

    async def _share(self, redis: Redis, changed: set[UUID]) -> None:
        mine = _key(self._process)
        known = await redis.exists(mine)
        told = changed if known else set(self._here)
        there = {str(each): self._here[each] for each in told if each in self._here}
        gone = [str(each) for each in told if each not in self._here]
        async with redis.pipeline(transaction=False) as pipe:
            asking = cast("Any", pipe)
            if there:
                asking.hset(mine, mapping=there)
            if gone:
                asking.hdel(mine, *gone)
            asking.expire(mine, _SECONDS)
            asking.sadd(_PROCESSES, self._process)
            await pipe.execute()
        if not known:
            await self._sweep(redis)

    async def _sweep(self, redis: Redis) -> None:
        """Names of processes that have ended."""
        for each in await cast("Any", redis.smembers(_PROCESSES)):
            process = each.decode()
            if process != self._process and not await redis.exists(_key(process)):
                await cast("Any", redis.srem(_PROCESSES, process))
