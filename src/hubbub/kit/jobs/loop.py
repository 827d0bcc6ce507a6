"""Doing something again and again: when rung, and from time to time anyway."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from hubbub.kit.db.database import DatabaseUnavailable

log = structlog.get_logger()

_PATIENCE = 5.0


class Loop:
    """Calls `work` in a task of its own. It outlives whatever `work` raises."""

    def __init__(self, name: str, work: Callable[[], Awaitable[object]], every: float) -> None:
        self._name = name
        self._work = work
        self._every = every
        self._rung = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def ring(self) -> None:
        """Has `work` called soon. Many rings before that are one."""
        self._rung.set()

    def start(self) -> None:
        self._stopping.clear()
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """Lets the present call come to its end, within reason."""
        task, self._task = self._task, None
        if task is None:
            return
        self._stopping.set()
        self.ring()
        await asyncio.wait([task], timeout=_PATIENCE)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def _run(self) -> None:
        while not self._stopping.is_set():
            self._rung.clear()
            succeeded = await self._succeeds()
            # no ring shortens the wait after a failure: what broke is most likely still broken
            await self._wait(self._rung if succeeded else self._stopping)

    async def _succeeds(self) -> bool:
        try:
            await self._work()
        except DatabaseUnavailable:
            return False  # said by the database already
        except Exception:
            log.exception("loop.failed", loop=self._name)
            return False
        return True

    async def _wait(self, event: asyncio.Event) -> None:
        jitter = random.uniform(0.8, 1.0)  # noqa: S311 - so that processes don't move in step
        with suppress(TimeoutError):
            async with asyncio.timeout(self._every * jitter):
                await event.wait()
