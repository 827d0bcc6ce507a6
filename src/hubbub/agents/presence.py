"""When participants were last heard of: noted in memory, written down in the background."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog

from hubbub.agents.models import AgentPresence
from hubbub.kit.db.database import DatabaseUnavailable
from hubbub.kit.db.dialect import upsert
from hubbub.kit.jobs.loop import Loop
from hubbub.kit.resources import Resources

log = structlog.get_logger()

_ROWS = 500
"""Of one statement; SQLite takes so many values and more."""


class PresenceBuffer:
    """At most one row a minute for a participant, however often it calls, and one statement for
    all of them. A crash loses some seconds of it, which nobody minds."""

    def __init__(self, resources: Resources, *, at_most_every: float = 60.0) -> None:
        self._resources = resources
        self._at_most_every = at_most_every
        self._noted: dict[UUID, float] = {}
        self._waiting: dict[UUID, datetime] = {}
        self.connections: Connections = NoConnections()
        """Set by what holds them."""

    def seen(self, participant_id: UUID) -> None:
        """Costs a look into a dictionary: it is called for each request."""
        now = time.monotonic()
        if self._noted.get(participant_id, now - self._at_most_every) + self._at_most_every <= now:
            self._noted[participant_id] = now
            self._waiting[participant_id] = self._resources.clock.now()

    async def flush(self) -> None:
        waiting, self._waiting = self._waiting, {}
        oldest = time.monotonic() - self._at_most_every
        self._noted = {each: at for each, at in self._noted.items() if at > oldest}
        # sorted, so that two processes lock the same rows in the same order
        rows = [{"agent_id": each, "last_seen_at": waiting[each]} for each in sorted(waiting)]
        for start in range(0, len(rows), _ROWS):
            chunk = rows[start : start + _ROWS]
            async with self._resources.database.write() as session:
                await session.execute(
                    upsert(
                        session,
                        AgentPresence,
                        chunk,
                        unique=["agent_id"],
                        change=["last_seen_at"],
                    )
                )


class Connections(Protocol):
    """Who knows of live connections."""

    async def count(self, participant_id: UUID) -> int | None:
        """None where that is not known."""
        ...

    async def everyone(self) -> set[UUID] | None:
        """Who has any."""
        ...


class NoConnections:
    async def count(self, participant_id: UUID) -> int | None:
        del participant_id
        return None

    async def everyone(self) -> set[UUID] | None:
        return None


@asynccontextmanager
async def open_presence(
    resources: Resources, *, every: float = 15.0
) -> AsyncIterator[PresenceBuffer]:
    buffer = PresenceBuffer(resources)
    loop = Loop("agents.presence", buffer.flush, every)
    loop.start()
    try:
        yield buffer
    finally:
        await loop.stop()
        try:
            await buffer.flush()
        except DatabaseUnavailable:
            log.warning("presence.lost")
