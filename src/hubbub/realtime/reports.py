"""How far a report is, as it goes on. What is told is how it stands: whoever connects again is told
that, and has missed nothing."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from uuid import UUID

import structlog

from hubbub.agents.types import Actor
from hubbub.kit.db.database import Database
from hubbub.kit.errors import AppError
from hubbub.realtime.errors import GONE_WRONG
from hubbub.realtime.outlets import Outlet
from hubbub.reports.errors import ReportNotFound
from hubbub.reports.queries import moves_of
from hubbub.reports.schemas import ReportStatus
from hubbub.reports.service.reports import get_status
from hubbub.reports.types import UNFINISHED

log = structlog.get_logger()

_PATIENCE = 1.0
_ENDED = 1000
"""A socket's word for an end that was meant."""


class Moves:
    """Wakes those who wait for a job to go on."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._waiting: defaultdict[UUID, set[asyncio.Event]] = defaultdict(set)
        self._seen: Mapping[UUID, object] = {}

    def subscribe(self, job_id: UUID, rung: asyncio.Event) -> Callable[[], None]:
        self._waiting[job_id].add(rung)

        def unsubscribe() -> None:
            self._waiting[job_id].discard(rung)
            if not self._waiting[job_id]:
                del self._waiting[job_id]

        return unsubscribe

    def hear(self, text: str) -> None:
        self._ring(UUID(text))

    def _ring(self, job_id: UUID) -> None:
        for rung in self._waiting.get(job_id, ()):
            rung.set()

    async def look(self) -> None:
        """For what nobody has been told of: one question for all who wait."""
        if not self._waiting:
            return
        async with self.database.read() as session:
            moves = await moves_of(session, tuple(self._waiting))
        for job_id, move in moves.items():
            if self._seen.get(job_id) != move:
                self._ring(job_id)
        self._seen = moves


class ReportReader:
    """Brings one reader how a report stands, until it has ended."""

    def __init__(
        self, moves: Moves, actor: Actor, report_id: UUID, job_id: UUID, outlet: Outlet
    ) -> None:
        self._moves = moves
        self._actor = actor
        self._report_id = report_id
        self._outlet = outlet
        self._rung = asyncio.Event()
        self._unsubscribe = moves.subscribe(job_id, self._rung)
        self._task = asyncio.create_task(self._show())

    def stop(self) -> None:
        self._unsubscribe()
        self._task.cancel()

    async def _show(self) -> None:
        shown: ReportStatus | None = None
        try:
            while True:
                self._rung.clear()
                found = await self._standing()
                if found is None:
                    self._put("cancelled", b"{}")
                    break
                content = found.model_dump_json().encode()
                if found.status not in UNFINISHED:
                    self._put(found.status, content)
                    break
                if found != shown:
                    shown = found
                    self._put("progress", content)
                await self._rung.wait()
            self._outlet.close(_ENDED, "")
        except Exception:
            log.exception("reports.not_shown")
            self._outlet.close(GONE_WRONG, "something went wrong on our side; connect again")

    async def _standing(self) -> ReportStatus | None:
        """None when it was deleted."""
        while True:
            try:
                async with self._moves.database.read() as session:
                    return await get_status(session, self._actor, self._report_id)
            except ReportNotFound:
                return None
            except AppError as error:
                if error.status != 503:
                    raise
                await asyncio.sleep(_PATIENCE)

    def _put(self, kind: str, content: bytes) -> None:
        self._outlet.put(self._outlet.form.event(kind, content))
