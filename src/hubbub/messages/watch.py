"""Waiting for the next entry of an inbox.

The writer of this process and the bus ring for inboxes by name. A ring may get lost, so one look at
the counters of all inboxes that anybody waits for is taken every other second: nobody waits longer
than that for what is stored, and nobody asks the database for himself.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from uuid import UUID

import orjson
import structlog
from sqlalchemy import select

from hubbub.kit.bus import Bus
from hubbub.kit.db.counter import Counter
from hubbub.kit.db.database import Database
from hubbub.kit.errors import AppError
from hubbub.messages.schemas import InboxPage

log = structlog.get_logger()

CHANNEL = "messages.inbox"


class Watch:
    def __init__(self, database: Database, bus: Bus, *, every: float = 2.0) -> None:
        self._database = database
        self._bus = bus
        self._every = every
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._seen: dict[str, int] = {}
        self._unsubscribe: Callable[[], None] | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._unsubscribe = self._bus.subscribe(CHANNEL, lambda text: self.ring(orjson.loads(text)))
        self._task = asyncio.create_task(self._look(), name="watch")

    async def stop(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def until_entries(
        self,
        inbox_id: UUID,
        page: Callable[[str | None], Awaitable[InboxPage]],
        cursor: str | None,
        seconds: float,
    ) -> InboxPage:
        """A page that has entries, or an empty one when the time is over."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            # first in line, then a look: what comes in between rings
            async with self._in_line(inbox_id) as rung:
                found = await page(cursor)
                if found.items or loop.time() >= until:
                    return found
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(until):
                        await rung.wait()

    @asynccontextmanager
    async def _in_line(self, inbox_id: UUID) -> AsyncIterator[asyncio.Event]:
        rung = asyncio.Event()
        waiting = self._waiting[str(inbox_id)]
        waiting.add(rung)
        try:
            yield rung
        finally:
            waiting.discard(rung)
            if not waiting:
                self._waiting.pop(str(inbox_id), None)

    def ring(self, inbox_ids: Iterable[str]) -> None:
        for inbox_id in inbox_ids:
            for rung in self._waiting.get(inbox_id, ()):
                rung.set()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            if not self._waiting:
                continue
            try:
                await self.look()
            except AppError as error:
                log.warning("watch.blind", code=error.code)
            except Exception:
                # this is the safety net of everybody who waits: it must not end
                log.exception("watch.failed")

    async def look(self) -> None:
        """Rings for all inboxes that have grown since the last look."""
        ids = [UUID(each) for each in self._waiting]
        async with self._database.read() as session:
            statement = select(Counter.id, Counter.last_seq).where(Counter.id.in_(ids))
            rows = (await session.execute(statement)).all()
        seen = {str(inbox_id): last_seq for inbox_id, last_seq in rows}
        # one that wasn't looked at before may have grown before its first look
        self.ring(each for each, last in seen.items() if self._seen.get(each, -1) != last)
        self._seen = seen
