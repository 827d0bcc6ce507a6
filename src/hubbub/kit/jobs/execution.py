"""One run of one job, from the claim to the record of how it ended."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.jobs import claims
from hubbub.kit.jobs.declare import GiveUp, Job, JobContext
from hubbub.kit.jobs.models import JobRecord
from hubbub.kit.resources import Resources

log = structlog.get_logger()


class AbandonedError(Exception):
    """Whoever ran the job for the last time it may be tried has died of it, or with it."""


class Execution:
    """Holds the lease of a claimed job while its handler runs, outside of any transaction."""

    def __init__(self, resources: Resources, job: Job[Any], record: JobRecord) -> None:
        self._resources = resources
        self._database = resources.database
        self._lease = resources.settings.jobs.lease_seconds
        self._job = job
        self._record = record
        self._lost = False
        self._log = log.bind(job=job.name, job_id=str(record.id), attempt=record.attempts)

    async def run(self) -> None:
        try:
            await self._handle()
        except asyncio.CancelledError as error:
            if self._lost:
                self._report_lost()
            elif _is_being_cancelled():
                await self._record_end("returned", claims.give_back)
                raise
            else:  # the handler waited for something that was cancelled
                await self._record_failure(error)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is its failure
            await self._record_failure(error)
        else:
            await self._record_end("done", claims.finish)

    async def _handle(self) -> None:
        record = self._record
        if record.attempts > record.max_attempts:
            raise AbandonedError
        context = JobContext(self._resources, record.id, record.attempts)
        handler = asyncio.create_task(self._job.run(context, record.args))
        keeper = asyncio.create_task(self._keep_lease(handler))
        try:
            await handler
        finally:
            keeper.cancel()
            await asyncio.wait([keeper])

    async def _keep_lease(self, handler: asyncio.Task[None]) -> None:
        while True:
            await asyncio.sleep(self._lease / 3)
            try:
                async with self._database.write() as session:
                    held = await claims.renew(session, self._record, lease=self._lease)
            except Exception as error:  # noqa: BLE001 - the work goes on, the lease may yet hold
                self._log.warning("job.lease_unrenewed", error=type(error).__name__)
                continue
            if not held:
                self._lost = True
                handler.cancel()
                return

    async def _record_failure(self, error: BaseException) -> None:
        final = self._record.attempts >= self._record.max_attempts
        if isinstance(error, GiveUp):
            final, error = True, error.__cause__ or error
        name = type(error).__name__
        if final:
            self._log.error("job.failed", error=name, exc_info=error)
            await self._record_end("failed", lambda session, held: claims.fail(session, held, name))
        else:
            self._log.warning("job.retried", error=name, exc_info=error)
            await self._record_end(
                "retried", lambda session, held: claims.retry(session, held, name)
            )

    async def _record_end(
        self,
        outcome: str,
        change: Callable[[AsyncWriteSession, JobRecord], Awaitable[bool]],
    ) -> None:
        async with self._database.write() as session:
            held = await change(session, self._record)
        if held:
            self._resources.metrics.jobs.labels(self._job.name, outcome).inc()
        else:
            self._report_lost()

    def _report_lost(self) -> None:
        self._log.warning("job.lost")
        self._resources.metrics.jobs.labels(self._job.name, "lost").inc()


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
