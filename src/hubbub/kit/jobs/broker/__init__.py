"""Waking workers, as a port.

The broker carries ids of jobs that may be run and may lose any of them: the rows say what is to
be done, and a runner that isn't woken looks for itself.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol
from uuid import UUID

type Run = Callable[[UUID], Awaitable[None]]
"""Runs the job if nobody else does; returns when it is over."""


class JobBroker(Protocol):
    async def start(self, run: Run) -> None:
        """Begins to receive. A process that only hands work out never calls this."""
        ...

    async def wake(self, job_ids: Sequence[UUID]) -> None:
        """Has each run by some worker. Never raises for a broker that is away."""
        ...

    async def stop_receiving(self) -> None:
        """Doesn't wait for what has been received and still runs."""
        ...

    async def stop(self) -> None:
        """Closes everything; for every process, after `stop_receiving`."""
        ...
