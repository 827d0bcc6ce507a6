"""Telling other processes what has become of deliveries, for those of their sockets that wait for
it. The same hint as within this process, and no surer: what comes together while one is on its way
goes with the next."""

import asyncio
import contextlib
from collections.abc import Callable

from hubbub.kit.bus import Bus
from hubbub.kit.db.database import Database
from hubbub.messages.service.changes import TOPIC
from hubbub.messages.types import THIS_PROCESS

_MOST = 1000
"""Messages that wait for a bus that is slow; those above that are lost."""


class Telling:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._waiting: list[str] = []
        self._rung = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, database: Database) -> None:
        database.hear(TOPIC, self._hear)
        self._task = asyncio.create_task(self._tell(), name="telling")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _hear(self, text: str) -> None:
        if len(self._waiting) < _MOST:
            self._waiting.append(f"{THIS_PROCESS} {text}")
            self._rung.set()

    async def _tell(self) -> None:
        while True:
            await self._rung.wait()
            self._rung.clear()
            waiting, self._waiting = self._waiting, []
            await self._bus.publish(TOPIC, waiting)


def from_elsewhere(hear: Callable[[str], None]) -> Callable[[str], None]:
    """A listener of the bus for who hears this process's own changes without it."""

    def listen(message: str) -> None:
        process, _, text = message.partition(" ")
        if process != THIS_PROCESS:
            hear(text)

    return listen
