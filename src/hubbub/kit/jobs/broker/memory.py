"""The broker of a hub that is one process."""

from collections.abc import Sequence
from uuid import UUID

from taskiq import InMemoryBroker

from hubbub.kit.jobs.broker import Run
from hubbub.kit.jobs.broker.messages import message, register


class MemoryJobBroker:
    def __init__(self) -> None:
        self._taskiq = InMemoryBroker(max_stored_results=1)
        self._receiving = False

    async def start(self, run: Run) -> None:
        register(self._taskiq, run)
        await self._taskiq.startup()
        self._receiving = True

    async def wake(self, job_ids: Sequence[UUID]) -> None:
        if self._receiving:
            for job_id in job_ids:
                await self._taskiq.kick(message(self._taskiq, job_id))

    async def stop_receiving(self) -> None:
        self._receiving = False

    async def stop(self) -> None:
        await self.stop_receiving()
        await self._taskiq.shutdown()
