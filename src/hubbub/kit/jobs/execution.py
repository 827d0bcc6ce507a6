"""One run of one job, from the claim to the record of how it ended."""

import asyncio
from functools import partial
from typing import Any, Protocol

import structlog

from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.jobs import claims
from hubbub.kit.jobs.declare import GiveUp, Job, JobContext
from hubbub.kit.jobs.models import JobRecord
from hubbub.kit.jobs.progress import MOVED
from hubbub.kit.resources import Resources

log = structlog.get_logger()


_PAUSE = 1.0
"""Between writing down how far a job is."""


class AbandonedError(Exception):
    """Whoever ran the job for the last time it may be tried has died of it, or with it."""


class _Change(Protocol):
    async def __call__(
        self, session: AsyncWriteSession, held: JobRecord, **progress: object
    ) -> bool: ...


class Execution:
    """Holds the lease of a claimed job while its handler runs, outside of any transaction."""

    def __init__(self, resources: Resources, job: Job[Any], record: JobRecord) -> None:
        self._resources = resources
        self._database = resources.database
        self._lease = resources.settings.jobs.lease_seconds
        self._job = job
        self._record = record
        self._context = JobContext(resources, record.id, record.attempts)
        self._handler: asyncio.Task[None] | None = None
        self._lost = False
        self._is_to_end = False
        self._log = log.bind(job=job.name, job_id=str(record.id), attempt=record.attempts)

    def cancel(self) -> None:
        """Somebody wishes that it ends. It may come to a good end all the same."""
        if not self._is_to_end:
            self._is_to_end = True
            if self._handler is not None:
                self._handler.cancel()

    async def run(self) -> None:
        if self._record.cancel_at is not None:
            await self._record_end("cancelled", claims.cancel)
            return
        try:
            await self._handle()
        except asyncio.CancelledError as error:
            if self._lost:
                self._report_lost()
            elif _is_being_cancelled():
                await self._record_end("returned", claims.give_back)
                raise
            elif self._is_to_end:
                await self._record_end("cancelled", claims.cancel)
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
        self._handler = asyncio.create_task(self._job.run(self._context, record.args))
        keeper = asyncio.create_task(self._keep(self._handler))
        try:
            await self._handler
        finally:
            keeper.cancel()
            await asyncio.wait([keeper])

    async def _keep(self, handler: asyncio.Task[None]) -> None:
        """The lease, and how far it is."""
        progress = self._context.progress
        while True:
            await progress.wait(self._lease / 3)
            told = progress.take()
            try:
                async with self._database.write() as session:
                    held = await claims.renew(session, self._record, lease=self._lease, **told)
            except BaseException as error:
                progress.put_back(told)
                if not isinstance(error, Exception):
                    raise
                self._log.warning("job.lease_unrenewed", error=type(error).__name__)
                held = True  # as far as one knows; the work goes on
            if not held:
                self._lost = True
                handler.cancel()
                return
            if told:
                await self._tell_of_move()
                await asyncio.sleep(min(_PAUSE, self._lease / 3))

    async def _record_failure(self, error: BaseException) -> None:
        final = self._record.attempts >= self._record.max_attempts
        if isinstance(error, GiveUp):
            final, error = True, error.__cause__ or error
        name = type(error).__name__
        if self._is_to_end:
            await self._record_end("cancelled", claims.cancel)
        elif final:
            self._log.error("job.failed", error=name, exc_info=error)
            await self._record_end("failed", partial(claims.fail, error=name))
        else:
            self._log.warning("job.retried", error=name, exc_info=error)
            await self._record_end("retried", partial(claims.retry, error=name))

    async def _record_end(self, outcome: str, change: _Change) -> None:
        told = self._context.progress.take()
        async with self._database.write() as session:
            held = await change(session, self._record, **told)
        if held:
            self._resources.metrics.jobs.labels(self._job.name, outcome).inc()
            if self._context.progress.was_told:
                await self._tell_of_move()
        else:
            self._report_lost()

    async def _tell_of_move(self) -> None:
        await self._resources.bus.publish(MOVED, [str(self._record.id)])

    def _report_lost(self) -> None:
        self._log.warning("job.lost")
        self._resources.metrics.jobs.labels(self._job.name, "lost").inc()


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
