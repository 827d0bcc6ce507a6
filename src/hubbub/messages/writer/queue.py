"""Collecting what many requests send at the same moment into batches."""

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog

from hubbub.kit.db.database import DatabaseUnavailable
from hubbub.kit.db.turns import AlreadyWritingError, WriteTurns
from hubbub.kit.errors import AppError
from hubbub.messages.errors import WriterBusy
from hubbub.messages.writer.batch import store
from hubbub.messages.writer.draft import Deliveries, Draft, Outcome, Replayed, Stored
from hubbub.messages.writer.fanout import fan_out, put_off
from hubbub.messages.writer.steps import Limits, Steps

log = structlog.get_logger()


_PATIENCE = 0.001
_ENOUGH = 32
_LONGEST = 0.02
"""Seconds that a batch waits for more as long as more keep coming, where nothing could be done
meanwhile."""


class Store(Protocol):
    forms: Any

    async def run[T](self, steps: Callable[[], Steps[T]]) -> T: ...

    async def close(self) -> None: ...


@dataclass(slots=True)
class _Waiting:
    draft: Draft
    outcome: asyncio.Future[Outcome]


class Writer:
    """The one place where messages are stored. A request that is cancelled while it waits neither
    undoes nor doubles its message."""

    def __init__(
        self,
        backend: Store,
        limits: Limits,
        *,
        is_retryable: Callable[[BaseException], bool],
        stored: Callable[[Sequence[Deliveries]], None],
        turns: WriteTurns | None,
        queue_size: int,
        batch_size: int,
    ) -> None:
        self._backend = backend
        self._limits = limits
        self._is_retryable = is_retryable
        self._stored = stored
        self._turns = turns
        self._queue_size = queue_size
        self._batch_size = batch_size
        self._waiting: deque[_Waiting] = deque()
        self._ring = asyncio.Event()
        self._wanted = 1
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._work(), name="writer")

    async def stop(self) -> None:
        """Stores what has been taken over, and nothing more."""
        self._closing = True
        self._ring.set()
        if self._task is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._backend.close()

    async def send(self, draft: Draft) -> Outcome:
        """Returns once the draft has been committed, or refused."""
        self.check_room(1)
        waiting = _Waiting(draft, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if len(self._waiting) >= self._wanted:
            self._ring.set()
        return await waiting.outcome

    async def send_all(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """The same for many, with an outcome for each."""
        self.check_room(len(drafts))
        loop = asyncio.get_running_loop()
        waiting = [_Waiting(draft, loop.create_future()) for draft in drafts]
        self._waiting.extend(waiting)
        self._ring.set()
        outcomes = await asyncio.gather(*(each.outcome for each in waiting), return_exceptions=True)
        # one that nobody can store is no other's trouble; it has been logged
        return [
            each if isinstance(each, Stored | Replayed | AppError) else AppError()
            for each in outcomes
        ]

    def check_room(self, count: int) -> None:
        if self._turns is not None and self._turns.held_here():
            msg = "code that holds a write session can't wait for the writer; emit an event instead"
            raise AlreadyWritingError(msg)
        if self._closing or len(self._waiting) + count > self._queue_size:
            raise WriterBusy

    @property
    def depth(self) -> int:
        return len(self._waiting)

    async def _work(self) -> None:
        while True:
            await self._ring.wait()
            while self._waiting:
                size = min(len(self._waiting), self._batch_size)
                await self._write([self._waiting.popleft() for _ in range(size)])
                lately = size + len(self._waiting)
                if lately > 1:
                    await self._gather(lately)
            if self._closing:
                return
            self._ring.clear()

    async def _gather(self, lately: int) -> None:
        """Who has just been answered is likely to send again at once, and a batch with all of them
        costs little more than one with half of them.

        With a second core half of them are enough: the others are heard while these are stored."""
        alone = _cores() == 1
        self._wanted = min(lately, self._batch_size if alone else _ENOUGH)
        loop = asyncio.get_running_loop()
        until = loop.time() + (_LONGEST if alone else _PATIENCE)
        came = -1
        while came < len(self._waiting) < self._wanted and loop.time() < until:
            if self._closing:
                break
            came = len(self._waiting)
            self._ring.clear()
            timer = loop.call_later(_PATIENCE, self._ring.set)
            await self._ring.wait()
            timer.cancel()
        self._wanted = 1

    async def _write(self, batch: list[_Waiting]) -> None:
        """One transaction; if one bad row spoils it, halves of it, until that row stands alone."""
        try:
            outcomes = await self._store([each.draft for each in batch])
        except Exception as error:
            if self._is_retryable(error):
                log.warning("writer.unavailable", error=type(error).__name__, waiting=len(batch))
                self._tell_all(batch, DatabaseUnavailable())
            elif len(batch) > 1:
                middle = len(batch) // 2
                await self._write(batch[:middle])
                await self._write(batch[middle:])
            else:
                log.exception("writer.poisoned")
                self._tell_all(batch, error)
            return
        try:
            self._stored([each for each in outcomes if isinstance(each, Stored)])
        except Exception:
            # it is on disk: whoever sent it hears so, and whoever waits looks by himself
            log.exception("writer.ring_failed")
        for each, outcome in zip(batch, outcomes, strict=True):
            if not each.outcome.done():  # its request may be gone; the message stays
                each.outcome.set_result(outcome)

    async def fan_out(self) -> bool:
        """One step with a message that is due; whether there was one."""
        forms = self._backend.forms
        taken: list[str] = []
        try:
            made = await self._backend.run(lambda: fan_out(datetime.now(UTC), forms, taken))
        except Exception as error:
            if not taken or self._is_retryable(error):
                raise
            log.exception("messages.fan_out_failed", message_id=taken[-1])
            await self._backend.run(lambda: put_off(taken[-1]))
            return True
        if made is not None:
            self._stored([made])
        return made is not None

    async def _store(self, drafts: list[Draft]) -> list[Outcome]:
        now, forms = datetime.now(UTC), self._backend.forms
        return await self._backend.run(lambda: store(drafts, now, forms, self._limits))

    @staticmethod
    def _tell_all(batch: list[_Waiting], error: Exception) -> None:
        for each in batch:
            if not each.outcome.done():
                if isinstance(error, AppError):
                    each.outcome.set_result(error)
                else:
                    each.outcome.set_exception(error)


def _cores() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
