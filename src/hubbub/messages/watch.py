"""Telling those who wait that a stream has grown: an inbox, or a room.

The writer of this process passes on what it has just stored, other processes give a hint over the
bus. Either may get lost, so one look at the counters of all streams that anybody waits for is taken
every other second: nobody waits longer than that for what is stored, and nobody asks the database
for himself.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import batched
from typing import Any, Protocol
from uuid import UUID

import orjson
import structlog
from sqlalchemy import select

from hubbub.kit.bus import Bus
from hubbub.kit.db.counter import Counter
from hubbub.kit.db.database import Database
from hubbub.kit.errors import AppError
from hubbub.messages.service.live import Live
from hubbub.messages.writer.draft import Deliveries, Stored

log = structlog.get_logger()

CHANNEL = "messages.streams"
_ASKED = 1000
"""Streams that one statement asks about."""

type Listener = Callable[[int, Live | None], None]
"""Is called with the number that the stream has reached and, where it is at hand, the entry that
has this number. Must not block, and may be told the same twice, or too late."""


class Page(Protocol):
    """One of an inbox or of a room."""

    @property
    def items(self) -> Sequence[Any]: ...

    @property
    def last_seq(self) -> int: ...


class Watch:
    def __init__(
        self, database: Database, bus: Bus, *, shared: bool = False, every: float = 2.0
    ) -> None:
        """`shared`: whether there are other processes to give hints to."""
        self._database = database
        self._bus = bus
        self._shared = shared
        self._every = every
        self._listeners: defaultdict[str, set[Listener]] = defaultdict(set)
        self._hints: dict[str, int] = {}
        self._hinted = asyncio.Event()
        self._unsubscribe: Callable[[], None] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._unsubscribe = self._bus.subscribe(CHANNEL, self._hear)
        self._tasks = [asyncio.create_task(self._look(), name="watch")]
        if self._shared:
            self._tasks.append(asyncio.create_task(self._give_hints(), name="hints"))

    async def stop(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def subscribe(self, stream_id: str, listener: Listener) -> Callable[[], None]:
        listeners = self._listeners[stream_id]
        listeners.add(listener)

        def unsubscribe() -> None:
            listeners.discard(listener)
            if not listeners and self._listeners.get(stream_id) is listeners:
                del self._listeners[stream_id]

        return unsubscribe

    def stored(self, batch: Sequence[Deliveries]) -> None:
        """Tells of what has just been committed, in its order."""
        for each in batch:
            live = Live(each) if isinstance(each, Stored) else None
            for inbox_id, seq in each.recipients:
                # of a message that is delivered later they have no numbers yet
                if seq:
                    self._tell(inbox_id, seq, live)
            if each.room_id is not None and each.room_seq:
                self._tell(each.room_id, each.room_seq, live)
        if self._shared:
            self._hints |= reached(batch)
            self._hinted.set()

    def _tell(self, stream_id: str, seq: int, live: Live | None) -> None:
        listeners = self._listeners.get(stream_id)
        if listeners is None:
            return
        # a copy: who is told may leave at that
        for listener in tuple(listeners):
            try:
                listener(seq, live)
            except Exception:
                # one listener's mistake is not the others'
                log.exception("watch.listener_failed")

    def _hear(self, text: str) -> None:
        for stream_id, seq in orjson.loads(text).items():
            self._tell(stream_id, seq, None)

    async def _give_hints(self) -> None:
        """What comes together while one is on its way goes with the next."""
        while True:
            await self._hinted.wait()
            self._hinted.clear()
            hints, self._hints = self._hints, {}
            if hints:
                await self._bus.publish(CHANNEL, [orjson.dumps(hints).decode()])

    async def until_entries[P: Page](
        self,
        stream_id: UUID,
        page: Callable[[str | None], Awaitable[P]],
        cursor: str | None,
        seconds: float,
    ) -> P:
        """A page that has entries, or an empty one when the time is over."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        rung = asyncio.Event()
        heard = 0

        def hear(seq: int, live: Live | None) -> None:
            nonlocal heard
            del live
            heard = max(heard, seq)
            rung.set()

        # first in line, then a look: what comes in between rings
        unsubscribe = self.subscribe(str(stream_id), hear)
        try:
            while True:
                found = await page(cursor)
                if found.items or loop.time() >= until:
                    return found
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(until):
                        while heard <= found.last_seq:
                            rung.clear()
                            await rung.wait()
        finally:
            unsubscribe()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            if not self._listeners:
                continue
            try:
                await self.look()
            except AppError as error:
                log.warning("watch.blind", code=error.code)
            except Exception:
                # this is the safety net of everybody who waits: it must not end
                log.exception("watch.failed")

    async def look(self) -> None:
        """Tells of the numbers that all streams have reached."""
        for ids in batched(tuple(self._listeners), _ASKED):
            async with self._database.read() as session:
                statement = select(Counter.id, Counter.last_seq)
                wanted = [UUID(each) for each in ids]
                rows = (await session.execute(statement.where(Counter.id.in_(wanted)))).all()
            for stream_id, last_seq in rows:
                self._tell(str(stream_id), last_seq, None)


def reached(batch: Sequence[Deliveries]) -> Mapping[str, int]:
    """The number that each stream has come to."""
    found: dict[str, int] = {}
    for each in batch:
        found |= {inbox_id: seq for inbox_id, seq in each.recipients if seq}
        if each.room_id is not None and each.room_seq:
            found[each.room_id] = each.room_seq
    return found
