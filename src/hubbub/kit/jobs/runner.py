"""Runs jobs: those it is woken for, and those it finds."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from typing import Any
from uuid import UUID

import structlog

from hubbub.kit.jobs import claims
from hubbub.kit.jobs.broker import JobBroker
from hubbub.kit.jobs.declare import Job
from hubbub.kit.jobs.execution import Execution
from hubbub.kit.jobs.loop import Loop
from hubbub.kit.jobs.models import JobRecord
from hubbub.kit.jobs.schedule import Schedule
from hubbub.kit.resources import Resources

log = structlog.get_logger()

_WISHES = 1.0
"""How often a process asks whether what it runs is to end."""
_LAST_WORDS = 5.0
"""How long a cancelled job may take to end."""


class Runner:
    def __init__(self, resources: Resources, jobs: Sequence[Job[Any]], broker: JobBroker) -> None:
        self._resources = resources
        self._database = resources.database
        self._settings = resources.settings.jobs
        self._jobs = {job.name: job for job in jobs}
        self._taken: Counter[str] = Counter()
        """How many run here, by name."""
        self._claiming = asyncio.Lock()
        if len(self._jobs) != len(jobs):
            msg = "two jobs have the same name"
            raise ValueError(msg)
        self._broker = broker
        self._slots = asyncio.Semaphore(self._settings.concurrency)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._more = False
        """Whether more may be due than there was room for; then whoever ends has us look again."""
        schedule = Schedule(resources.database, jobs)
        self._schedule = Loop("jobs.schedule", schedule.look, self._settings.poll_seconds)
        self._loop = Loop("jobs.runner", self.look, self._settings.poll_seconds)
        self._running: dict[UUID, Execution] = {}
        self._cancelling = Loop("jobs.cancelling", self._look_for_wishes, _WISHES)

    async def start(self) -> None:
        self._stopping = False
        await self._broker.start(self.run)
        self._loop.start()
        self._schedule.start()
        self._cancelling.start()
        self._database.listen(claims.CANCELLING, self._cancelling.ring)

    async def stop(self, grace: float = 5.0) -> None:
        """Takes nothing new, waits for what runs, and gives back what doesn't end in time."""
        self._stopping = True
        await self._schedule.stop()
        await self._loop.stop()
        await self._broker.stop_receiving()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_LAST_WORDS)
        await self._cancelling.stop()
        for task in self._tasks:
            log.error("job.stuck", task=task.get_name())

    async def recover(self) -> None:
        """For the only process there is: takes up at once what ran when the last one died."""
        async with self._database.write() as session:
            await claims.release_all(session)

    def ring(self) -> None:
        self._loop.ring()

    async def run(self, job_id: UUID) -> None:
        """Runs the job unless it isn't due, is held by somebody, or isn't known here."""
        # a task of our own: whoever woke us may go away without taking the job along
        await asyncio.wait([self._spawn(self._claim_and_run(job_id))])

    async def look(self) -> None:
        """Takes as many due jobs as there is room for."""
        if self._slots.locked():
            self._more = True
            return
        # reading first: an idle hub takes nobody's turn at writing
        async with self._database.read() as session:
            self._more = await claims.is_anything_due(session, self._names_with_room())
        if self._more and not self._stopping:
            await self._take_due()

    async def _take_due(self) -> None:
        room = 0
        while not self._slots.locked():
            await self._slots.acquire()
            room += 1
        found: list[JobRecord] = []
        try:
            async with self._claiming:
                found = await self._claim_due(room)
        finally:
            for _ in range(room - len(found)):
                self._slots.release()
        self._more = len(found) == room
        for record in found:
            _ = self._spawn(self._run_in_slot(record))

    async def _claim_due(self, room: int) -> list[JobRecord]:
        """First those of which only some may run: they can't take all the room."""
        lease = self._settings.lease_seconds
        some = {name: most for name in self._names_with_room() if (most := self._room_for(name))}
        found: list[JobRecord] = []
        async with self._database.write() as session:
            for name, most in some.items():
                limit = min(most, room - len(found))
                found += await claims.claim_due(session, [name], lease=lease, limit=limit)
            others = [name for name, job in self._jobs.items() if job.at_once is None]
            limit = room - len(found)
            found += await claims.claim_due(session, others, lease=lease, limit=limit)
        # ours only now that it is committed
        self._taken.update(record.name for record in found)
        return found

    async def _claim_and_run(self, job_id: UUID) -> None:
        await self._slots.acquire()
        record = None
        try:
            # one at a time: two must not both be the last that may run of their kind
            async with self._claiming:
                if not self._stopping:
                    record = await self._claim_one(job_id)
        finally:
            if record is None:
                self._slots.release()
        if record is not None:
            await self._run_in_slot(record)

    async def _claim_one(self, job_id: UUID) -> JobRecord | None:
        names, lease = self._names_with_room(), self._settings.lease_seconds
        async with self._database.write() as session:
            record = await claims.claim_one(session, job_id, names, lease=lease)
        # ours only now that it is committed
        if record is not None:
            self._taken[record.name] += 1
        return record

    def _room_for(self, name: str) -> int | None:
        """How many more of these may run; None: as many as there is room for."""
        most = self._jobs[name].at_once
        if most is None:
            return None
        return min(most, max(1, self._settings.concurrency - 1)) - self._taken[name]

    def _names_with_room(self) -> list[str]:
        return [name for name in self._jobs if self._room_for(name) != 0]

    async def _run_in_slot(self, record: JobRecord) -> None:
        execution = Execution(self._resources, self._jobs[record.name], record)
        self._running[record.id] = execution
        try:
            await execution.run()
        finally:
            # another run of the same job may have begun here since this one lost it
            if self._running.get(record.id) is execution:
                del self._running[record.id]
            self._slots.release()
            self._taken[record.name] -= 1
            if self._more or self._jobs[record.name].at_once is not None:
                self.ring()

    async def _look_for_wishes(self) -> None:
        """Ends what somebody, in whatever process, wishes to end."""
        if not self._running:
            return
        async with self._database.read() as session:
            wished = await claims.to_cancel(session, tuple(self._running))
        for job_id in wished:
            if (execution := self._running.get(job_id)) is not None:
                execution.cancel()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name="job")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # the job stays claimed until its lease lapses, then somebody takes it up
            log.error("job.unrecorded", error=type(error).__name__, exc_info=error)
