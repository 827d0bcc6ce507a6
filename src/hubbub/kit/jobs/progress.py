"""How far a running job has come: kept in its row, written now and then."""

import asyncio
from contextlib import suppress
from typing import Any

MOVED = "jobs.moved"
"""On this channel is the id of a job that has told how far it is, or ended after it had; a hint."""

_LONGEST_STEP = 64
_LONGEST_MESSAGE = 200


class Progress:
    """The last that a job has told, and whether that is still to be written."""

    def __init__(self) -> None:
        self.was_told = False
        self._values: dict[str, Any] = {}
        self._news = asyncio.Event()

    def tell(self, step: str, percent: int, message: str | None = None) -> None:
        self.was_told = True
        self._values = {
            "step": step[:_LONGEST_STEP],
            "percent": min(max(percent, 0), 100),
            "message": None if message is None else message[:_LONGEST_MESSAGE],
        }
        self._news.set()

    def take(self) -> dict[str, Any]:
        """What is to be written; nothing if that has been taken already."""
        values, self._values = self._values, {}
        self._news.clear()
        return values

    def put_back(self, values: dict[str, Any]) -> None:
        """It could not be written, and nothing newer is there."""
        self._values = self._values or values

    async def wait(self, seconds: float) -> None:
        """For news, at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
