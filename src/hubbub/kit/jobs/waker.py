"""Tells the workers, wherever they are, of jobs that were enqueued in this process."""

from uuid import UUID

from hubbub.kit.jobs import claims
from hubbub.kit.jobs.broker import JobBroker
from hubbub.kit.jobs.loop import Loop
from hubbub.kit.resources import Resources

_AT_ONCE = 1000


class Waker:
    """Looks only when rung. What it overlooks is found by the workers, who look by themselves."""

    def __init__(self, resources: Resources, broker: JobBroker) -> None:
        self._database = resources.database
        self._broker = broker
        self._told: frozenset[UUID] = frozenset()
        self._pending = False
        self._loop = Loop("jobs.waker", self._look, resources.settings.jobs.poll_seconds)

    def start(self) -> None:
        self._loop.start()

    async def stop(self) -> None:
        await self._loop.stop()

    def ring(self) -> None:
        self._pending = True
        self._loop.ring()

    async def _look(self) -> None:
        if not self._pending:
            return
        self._pending = False
        async with self._database.read() as session:
            due = await claims.newest_due(session, _AT_ONCE)
        await self._broker.wake([job_id for job_id in reversed(due) if job_id not in self._told])
        self._told = frozenset(due)
