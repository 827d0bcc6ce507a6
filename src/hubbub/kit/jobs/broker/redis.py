"""The broker between processes: a stream on Redis or Valkey, read by all workers as one group."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from taskiq import AckableMessage, AcknowledgeType, BrokerMessage, TaskiqMessage
from taskiq.receiver import Receiver
from taskiq_redis import RedisStreamBroker

from hubbub.kit.bus.outage import Outage
from hubbub.kit.jobs.broker import Run

_TASK = "job.run"
"""The only one; its argument is the id of a job."""
_STREAM = "hubbub:jobs"
_GROUP = "workers"
_LONGEST = 10_000
"""Ids beyond this are dropped: with so much to do no worker needs to be woken."""
_TIMEOUT = 5.0
"""More than a read waits for an entry."""
_PATIENCE = 2.0
"""How long a server that doesn't answer may hold up whoever wakes a job."""


class _Stream(RedisStreamBroker):
    """An entry is taken for good when it is read: what a worker then loses its own look finds.

    The library's way is to keep entries as pending and to claim those of others after a while. For
    hints that would be dear (a lock and a script for each entry) and wrong for long jobs, which
    would be handed out a second time while they run.
    """

    def __init__(self, url: str) -> None:
        super().__init__(
            url,
            queue_name=_STREAM,
            consumer_group_name=_GROUP,
            # from the first entry on: what came before the first worker counts too
            consumer_id="0",
            maxlen=_LONGEST,
            unacknowledged_lock_timeout=_TIMEOUT,
            socket_timeout=_TIMEOUT,
            socket_connect_timeout=_TIMEOUT,
            retry=Retry(NoBackoff(), 1),
        )

    @property
    def redis(self) -> Redis:
        return Redis(connection_pool=self.connection_pool)

    async def kick_all(self, messages: Sequence[BrokerMessage]) -> None:
        async with self.redis as redis, redis.pipeline(transaction=False) as pipe:
            for each in messages:
                pipe.xadd(_STREAM, {b"data": each.message}, maxlen=_LONGEST)  # type: ignore[unused-awaitable]
            await pipe.execute()

    async def listen(self) -> AsyncGenerator[AckableMessage, None]:
        async with self.redis as redis:
            while True:
                # one at a time: what a busy worker fetched in advance would not wake an idle one
                found = await redis.xreadgroup(
                    _GROUP,
                    self.consumer_name,
                    {_STREAM: ">"},
                    count=1,
                    block=self.block,
                    noack=True,
                )
                for entry_id, fields in _entries(found):
                    yield AckableMessage(data=fields[b"data"], ack=partial(self._delete, entry_id))

    async def _delete(self, entry_id: bytes) -> None:
        """Entries that have been read would fill the stream."""
        with suppress(RedisError, OSError):
            async with self.redis as redis:
                await redis.xdel(_STREAM, entry_id)

    async def leave(self) -> None:
        """Takes this worker off the group's list."""
        async with self.redis as redis:
            await redis.xgroup_delconsumer(_STREAM, _GROUP, self.consumer_name)


def _entries(
    found: dict[Any, Any] | list[Any] | None,
) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """Those of the one stream that was asked for, in either form the protocol gives them."""
    streams = found.values() if isinstance(found, dict) else (entries for _, entries in found or ())
    return [entry for entries in streams for entry in entries]


class RedisJobBroker:
    def __init__(self, url: str, *, concurrency: int) -> None:
        self._stream = _Stream(url)
        self._concurrency = concurrency
        self._waking = Outage("jobs.broker")
        self._receiving = Outage("jobs.receiver")
        self._finish = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self, run: Run) -> None:
        self._stream.is_worker_process = True
        self._stream.register_task(_task(run), task_name=_TASK)
        self._finish.clear()
        self._task = asyncio.create_task(self._receive(), name="jobs.receiver")

    async def wake(self, job_ids: Sequence[UUID]) -> None:
        if not job_ids or self._waking.lasts:
            return
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._stream.kick_all([self._message(each) for each in job_ids])
        except (RedisError, OSError) as error:
            self._waking.failed(error)
        else:
            self._waking.over()

    async def stop_receiving(self) -> None:
        task, self._task = self._task, None
        if task is None:
            return
        self._finish.set()
        await asyncio.wait([task], timeout=_TIMEOUT)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        with suppress(RedisError, OSError):
            async with asyncio.timeout(_PATIENCE):
                await self._stream.leave()

    async def stop(self) -> None:
        await self.stop_receiving()
        await self._stream.shutdown()

    async def _receive(self) -> None:
        """Outlives Redis: a server that comes back empty has the group made anew."""
        while not self._finish.is_set():
            try:
                await self._stream.startup()
                self._receiving.over()
                await self._receiver().listen(self._finish)
            except* (RedisError, OSError) as errors:
                wait = self._receiving.failed(errors.exceptions[0])
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._finish.wait()

    def _message(self, job_id: UUID) -> BrokerMessage:
        content = TaskiqMessage(
            task_id=str(job_id), task_name=_TASK, labels={}, args=[str(job_id)], kwargs={}
        )
        return self._stream.formatter.dumps(content)

    def _receiver(self) -> Receiver:
        return Receiver(
            self._stream,
            run_startup=False,
            max_async_tasks=self._concurrency,
            ack_type=AcknowledgeType.WHEN_RECEIVED,
            wait_tasks_timeout=0.01,
        )


def _task(run: Run) -> Callable[[str], Awaitable[None]]:
    async def task(job_id: str) -> None:
        await run(UUID(job_id))

    return task
