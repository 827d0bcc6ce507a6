"""What every broker of jobs keeps to."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from redis.asyncio import Redis

from hubbub.kit.ids import new_id
from hubbub.kit.jobs.broker import JobBroker
from hubbub.kit.jobs.broker.memory import MemoryJobBroker
from hubbub.kit.jobs.broker.redis import RedisJobBroker

PATIENCE = 10.0


class Worker:
    """Takes note of what it is asked to run; may be told to hold it."""

    def __init__(self) -> None:
        self.ran: list[UUID] = []
        self.may_end = asyncio.Event()
        self.may_end.set()
        self._news = asyncio.Event()

    async def run(self, job_id: UUID) -> None:
        self.ran.append(job_id)
        self._news.set()
        await self.may_end.wait()

    async def has_run(self, *job_ids: UUID) -> None:
        async with asyncio.timeout(PATIENCE):
            while not set(job_ids) <= set(self.ran):
                self._news.clear()
                await self._news.wait()


@pytest.fixture(params=["memory", "redis"])
async def broker(request: pytest.FixtureRequest, valkey_url: str) -> AsyncIterator[JobBroker]:
    broker: JobBroker
    if request.param == "memory":
        broker = MemoryJobBroker()
    else:
        broker = RedisJobBroker(valkey_url, concurrency=8)
    yield broker
    await broker.stop()


async def test_what_is_woken_is_run_once(broker: JobBroker) -> None:
    worker = Worker()
    await broker.start(worker.run)
    ids = [new_id() for _ in range(20)]
    await broker.wake(ids)
    await worker.has_run(*ids)
    assert Counter(worker.ran) == dict.fromkeys(ids, 1)


async def test_waking_nobody_is_fine(broker: JobBroker) -> None:
    await broker.wake([])
    await broker.wake([new_id()])


async def test_a_job_that_fails_disturbs_no_other(broker: JobBroker) -> None:
    worker = Worker()
    bad, good = new_id(), new_id()

    async def run(job_id: UUID) -> None:
        await worker.run(job_id)
        if job_id == bad:
            raise ValueError

    await broker.start(run)
    await broker.wake([bad, good])
    await worker.has_run(bad, good)
    later = new_id()
    await broker.wake([later])
    await worker.has_run(later)


async def test_waking_does_not_wait_for_the_job(broker: JobBroker) -> None:
    worker = Worker()
    worker.may_end.clear()
    await broker.start(worker.run)
    ids = [new_id(), new_id()]
    async with asyncio.timeout(PATIENCE):
        await broker.wake(ids)
    await worker.has_run(*ids)
    worker.may_end.set()


async def test_stopping_does_not_wait_for_the_job(broker: JobBroker) -> None:
    worker = Worker()
    worker.may_end.clear()
    await broker.start(worker.run)
    job_id = new_id()
    await broker.wake([job_id])
    await worker.has_run(job_id)
    async with asyncio.timeout(3):
        await broker.stop_receiving()
    await broker.wake([new_id()])
    assert worker.ran == [job_id]
    worker.may_end.set()


async def test_what_came_before_the_first_worker_is_run(valkey_url: str) -> None:
    web, work = (RedisJobBroker(valkey_url, concurrency=2) for _ in range(2))
    worker = Worker()
    ids = [new_id() for _ in range(5)]
    await web.wake(ids)
    await work.start(worker.run)
    await worker.has_run(*ids)
    await web.stop()
    await work.stop()


async def test_workers_share_and_a_busy_one_leaves_the_rest_to_others(valkey_url: str) -> None:
    web, first, second = (RedisJobBroker(valkey_url, concurrency=2) for _ in range(3))
    busy, idle = Worker(), Worker()
    busy.may_end.clear()
    await first.start(busy.run)
    ids = [new_id() for _ in range(12)]
    await web.wake(ids)
    await busy.has_run(*ids[:2])
    await second.start(idle.run)
    await idle.has_run(*ids[2:])
    assert busy.ran == ids[:2]
    busy.may_end.set()
    for broker in (web, first, second):
        await broker.stop()


async def test_nothing_is_left_on_the_server(valkey_url: str) -> None:
    broker = RedisJobBroker(valkey_url, concurrency=2)
    worker = Worker()
    await broker.start(worker.run)
    ids = [new_id() for _ in range(10)]
    await broker.wake(ids)
    await worker.has_run(*ids)
    await broker.stop()
    async with Redis.from_url(valkey_url) as redis:
        assert await redis.xlen("hubbub:jobs") == 0
        assert await redis.xinfo_consumers("hubbub:jobs", "workers") == []
