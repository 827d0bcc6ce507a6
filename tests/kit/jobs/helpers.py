"""What the tests of jobs share."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import select, update

from hubbub.kit.db.dialect import db_now
from hubbub.kit.jobs import Job, JobContext, JobRecord, enqueue, job
from hubbub.kit.jobs.broker import JobBroker
from hubbub.kit.jobs.broker.memory import MemoryJobBroker
from hubbub.kit.jobs.runner import Runner
from hubbub.kit.resources import Resources

PATIENCE = 15.0


class Note(BaseModel):
    text: str = ""


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await condition():  # noqa: ASYNC110 - conditions of the database ring nobody
            await asyncio.sleep(0.01)


async def put(resources: Resources, job: Job[Note], text: str = "", **options: Any) -> UUID:
    async with resources.database.write() as session:
        return await enqueue(session, job, Note(text=text), **options)


async def record_of(resources: Resources, job_id: UUID) -> JobRecord:
    async with resources.database.read() as session:
        return (await session.execute(select(JobRecord).filter_by(id=job_id))).scalar_one()


async def all_records(resources: Resources) -> Sequence[JobRecord]:
    async with resources.database.read() as session:
        return (await session.scalars(select(JobRecord).order_by(JobRecord.id))).all()


async def has_status(resources: Resources, job_id: UUID, status: str) -> bool:
    return (await record_of(resources, job_id)).status == status


async def make_due(resources: Resources, job_id: UUID) -> None:
    await change(resources, job_id, run_at=db_now(-1))


async def let_lease_lapse(resources: Resources, job_id: UUID) -> None:
    await change(resources, job_id, lease_until=db_now(-1))


async def change(resources: Resources, job_id: UUID, **values: Any) -> None:
    async with resources.database.write() as session:
        await session.execute(update(JobRecord).where(JobRecord.id == job_id).values(values))


def with_jobs(resources: Resources, **changes: Any) -> Resources:
    """The same resources with other settings for jobs."""
    jobs = resources.settings.jobs.model_copy(update=changes)
    return replace(resources, settings=resources.settings.model_copy(update={"jobs": jobs}))


def counted(resources: Resources, job: Job[Any], outcome: str) -> float:
    labels = {"job": job.name, "outcome": outcome}
    return resources.metrics.registry.get_sample_value("hubbub_jobs_total", labels) or 0


@asynccontextmanager
async def running(
    resources: Resources,
    *jobs: Job[Any],
    broker: JobBroker | None = None,
    grace: float = 5.0,
) -> AsyncIterator[Runner]:
    broker = broker or MemoryJobBroker()
    runner = Runner(resources, jobs, broker)
    await runner.start()
    try:
        yield runner
    finally:
        await runner.stop(grace)
        await broker.stop()


class Blocking:
    """A job that says when it has begun and ends when it is let."""

    def __init__(
        self, name: str = "test.blocking", max_attempts: int = 3, at_once: int | None = None
    ) -> None:
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.now = self.most = self.runs = 0
        self.job = job(name, max_attempts=max_attempts, at_once=at_once)(self._handle)

    async def _handle(self, context: JobContext, args: Note) -> None:
        del context, args
        self.runs += 1
        self.now += 1
        self.most = max(self.most, self.now)
        self.begun.set()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        finally:
            self.now -= 1


class RecordingBroker(MemoryJobBroker):
    """Runs nothing; keeps what it was asked to wake."""

    def __init__(self) -> None:
        super().__init__()
        self.woken: list[UUID] = []
        self._news = asyncio.Condition()

    async def wake(self, job_ids: Sequence[UUID]) -> None:
        async with self._news:
            self.woken += job_ids
            self._news.notify_all()

    async def has_woken(self, job_id: UUID) -> None:
        async with self._news, asyncio.timeout(PATIENCE):
            await self._news.wait_for(lambda: job_id in self.woken)


@asynccontextmanager
async def by_hand(resources: Resources, *jobs: Job[Any]) -> AsyncIterator[Runner]:
    """A runner that runs what it is told to, and looks for nothing by itself."""
    runner = Runner(resources, jobs, RecordingBroker())
    try:
        yield runner
    finally:
        await runner.stop()


async def begin(runner: Runner, work: Blocking) -> None:
    runner.ring()
    async with asyncio.timeout(PATIENCE):
        await work.begun.wait()
