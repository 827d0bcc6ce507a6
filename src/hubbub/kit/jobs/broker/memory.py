"""The broker of a hub that is one process: whoever is woken is a task of the event loop."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import structlog

from hubbub.kit.jobs.broker import Run

log = structlog.get_logger()


class MemoryJobBroker:
    def __init__(self) -> None:
        self._run: Run | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, run: Run) -> None:
        self._run = run

    async def wake(self, job_ids: Sequence[UUID]) -> None:
        if self._run is not None:
            for job_id in job_ids:
                task = asyncio.create_task(_woken(self._run, job_id), name="job.run")
                # the loop alone wouldn't keep it
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def stop_receiving(self) -> None:
        self._run = None

    async def stop(self) -> None:
        await self.stop_receiving()


async def _woken(run: Run, job_id: UUID) -> None:
    try:
        await run(job_id)
    except Exception as error:
        log.exception("jobs.run_failed", job_id=str(job_id), error=type(error).__name__)
