"""Bringing one reader every entry after their cursor, once and in order."""

import asyncio
from collections import deque
from collections.abc import Callable

import structlog

from hubbub.kit.errors import AppError
from hubbub.messages.errors import CursorReset
from hubbub.messages.service.live import Live
from hubbub.messages.watch import Watch
from hubbub.realtime.errors import GONE_WRONG, close_code
from hubbub.realtime.forms import Entry, entry_event, json_of
from hubbub.realtime.outlets import Outlet
from hubbub.realtime.streams import Page, Stream

log = structlog.get_logger()

_KEPT = 256
"""Live entries that are kept while older ones are read from the tables."""
_PATIENCE = 1.0


class Follower:
    """It listens before it looks, so nothing falls between. What is stored is read in pages until
    the reader has caught up; from then on an entry is passed on from memory if it is the very next
    one, and anything else leads back to the pages.
    """

    __slots__ = (
        "_heard",
        "_is_in_doubt",
        "_outlet",
        "_stream",
        "_task",
        "_unsubscribe",
        "_waiting",
        "_watch",
        "seq",
    )

    def __init__(self, watch: Watch, stream: Stream, outlet: Outlet) -> None:
        self.seq = 0
        """The last that was passed on."""
        self._watch = watch
        self._stream = stream
        self._outlet = outlet
        self._heard = 0
        self._is_in_doubt = False
        self._waiting: deque[tuple[int, Live]] | None = None
        self._task: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] | None = None

    async def start(self, cursor: str | None, greet: Callable[[int, int], None]) -> None:
        """Raises what the reader is refused for. `greet` is told where the reader stands, and the
        last number that there is, before anything is passed on."""
        self._unsubscribe = self._watch.subscribe(self._stream.id, self.hear)
        # while there is a task, what is heard waits
        self._task = asyncio.current_task()
        try:
            page, reset = await self._first_page(cursor)
        except BaseException:
            self.stop()
            raise
        self.seq = page.after
        greet(page.after, page.last_seq)
        if reset is not None:
            self._tell_of(reset)
        is_there = not page.entries and self.seq >= max(page.last_seq, self._heard)
        self._task = None if is_there else asyncio.create_task(self._catch_up(page))

    def stop(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    def doubt(self) -> None:
        """Whether the reader may read on is to be asked before anything else is passed on."""
        self._is_in_doubt = True
        if self._task is None:
            self._task = asyncio.create_task(self._catch_up(None))

    def hear(self, seq: int, live: Live | None) -> None:
        if self._task is None and live is not None and seq == self.seq + 1:
            # thousands of times for one message
            frame = live.frames.get(self._outlet.form.name)
            if frame is not None and self._stream.is_shared:
                self.seq = seq
                self._outlet.put(frame)
            else:
                self._pass_on(seq, live)
            return
        if seq <= self.seq:
            return
        self._heard = max(self._heard, seq)
        if live is not None:
            if self._waiting is None:
                self._waiting = deque(maxlen=_KEPT)
            self._waiting.append((seq, live))
        if self._task is None:
            self._task = asyncio.create_task(self._catch_up(None))

    def _pass_on(self, seq: int, live: Live) -> None:
        self.seq = seq
        outlet, stream = self._outlet, self._stream
        if not stream.is_shared:
            entry = Entry(seq, "queued", live.json)
            outlet.put(entry_event(outlet.form, stream.epoch, entry))
            return
        event = live.frames.get(outlet.form.name)
        if event is None:
            event = entry_event(outlet.form, stream.epoch, Entry(seq, None, live.json))
            live.frames[outlet.form.name] = event
        outlet.put(event)

    async def _first_page(self, cursor: str | None) -> tuple[Page, CursorReset | None]:
        try:
            return await self._stream.page(cursor), None
        except CursorReset as reset:
            return await self._stream.page(None), reset

    async def _catch_up(self, page: Page | None) -> None:
        try:
            while True:
                # what was heard while the first page was read may not be in it
                heard = self._heard if page is None else -1
                if page is None:
                    self._is_in_doubt = False
                    page = await self._next_page()
                for entry in page.entries:
                    # a large page is taken bit by bit
                    await self._outlet.drained()
                    if entry.seq > self.seq:
                        self.seq = entry.seq
                        event = entry_event(self._outlet.form, self._stream.epoch, entry)
                        self._outlet.put(event)
                was_last = not page.entries or page.entries[-1].seq >= page.last_seq
                page = None
                if self._is_in_doubt:
                    continue
                self._pass_on_waiting()
                # nothing is awaited from here on
                if was_last and (self.seq >= self._heard or self._heard == heard):
                    break
            self._task = None
        except AppError as error:
            self._outlet.close(*close_code(error))
        except Exception:
            log.exception("stream.failed")
            self._outlet.close(GONE_WRONG, "something went wrong on our side; connect again")

    async def _next_page(self) -> Page:
        while True:
            try:
                return await self._stream.page(f"{self._stream.epoch}:{self.seq}")
            except CursorReset as reset:
                page = await self._stream.page(None)
                self.seq = page.after
                self._tell_of(reset)
                return page
            except AppError as error:
                if error.status != 503:
                    raise
                # the database will be back, and the reader doesn't have to know
                await asyncio.sleep(_PATIENCE)

    def _pass_on_waiting(self) -> None:
        waiting, self._waiting = self._waiting, None
        for seq, live in waiting or ():
            if seq == self.seq + 1:
                self._pass_on(seq, live)
            elif seq > self.seq:
                if self._waiting is None:
                    self._waiting = deque(maxlen=_KEPT)
                self._waiting.append((seq, live))

    def _tell_of(self, reset: CursorReset) -> None:
        cursor = f"{self._stream.epoch}:{self.seq}"
        about = reset.extra["reset"]
        assert isinstance(about, dict)  # noqa: S101 - the error is made so
        self._outlet.put(self._outlet.form.event("reset", json_of(about), cursor))
