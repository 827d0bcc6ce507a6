"""Takes committed events from the outbox, makes their jobs, and tells whoever listens."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
import structlog
from sqlalchemy import ColumnElement, or_, select

from hubbub.kit.db.dialect import db_now, take
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.jobs.broker import JobBroker
from hubbub.kit.jobs.declare import Job
from hubbub.kit.jobs.loop import Loop
from hubbub.kit.jobs.queue import insert_new, new_row
from hubbub.kit.outbox import OutboxEvent, known_topics
from hubbub.kit.resources import Resources

log = structlog.get_logger()

_BATCH = 100
_LEFT_TO_OTHERS = 3600.0
"""For so many seconds an unknown event waits for a newer process that may know it."""


class Relay:
    """May run in every process: no two get the same event."""

    def __init__(self, resources: Resources, jobs: Sequence[Job[Any]], broker: JobBroker) -> None:
        self._database = resources.database
        self._bus = resources.bus
        self._broker = broker
        self._subscribed: defaultdict[str, list[Job[Any]]] = defaultdict(list)
        for job in jobs:
            if job.on is not None:
                self._subscribed[job.on.topic].append(job)
        self._topics = known_topics()
        self._loop = Loop("outbox.relay", self.drain, resources.settings.jobs.poll_seconds)

    def start(self) -> None:
        self._loop.start()

    async def stop(self) -> None:
        await self._loop.stop()

    def ring(self) -> None:
        self._loop.ring()

    async def drain(self) -> None:
        """Passes on everything that is there."""
        # reading first: an idle hub takes nobody's turn at writing
        while await self._is_anything_there() and await self.pass_on():
            pass

    async def pass_on(self) -> int:
        """Passes on one batch, and returns of how many events it was."""
        async with self._database.write() as session:
            taken = await take(
                session,
                OutboxEvent,
                where=[self._for_us()],
                order_by=[OutboxEvent.id],
                limit=_BATCH,
            )
            events = sorted(taken, key=lambda event: event.id)
            created = await self._make_jobs(session, events)
        await self._tell(events, created)
        return len(events)

    async def _is_anything_there(self) -> bool:
        async with self._database.read() as session:
            found = await session.scalar(select(OutboxEvent.id).where(self._for_us()).limit(1))
            return found is not None

    def _for_us(self) -> ColumnElement[bool]:
        return or_(
            OutboxEvent.topic.in_(self._topics),
            OutboxEvent.created_at < db_now(-_LEFT_TO_OTHERS),
        )

    async def _make_jobs(
        self, session: AsyncWriteSession, events: Sequence[OutboxEvent]
    ) -> list[UUID]:
        # the payload is not validated here but when the job runs: what one subscriber can't read
        # is its own failed job, and nobody else's trouble
        return await insert_new(
            session,
            [
                new_row(job, event.payload, key=f"{event.id}:{job.name}")
                for event in events
                for job in self._subscribed.get(event.topic, ())
            ],
        )

    async def _tell(self, events: Sequence[OutboxEvent], created: list[UUID]) -> None:
        messages: defaultdict[str, list[str]] = defaultdict(list)
        for event in events:
            if event.topic not in self._topics:
                log.error("outbox.unknown_topic", topic=event.topic, event_id=str(event.id))
                continue
            messages[event.topic].append(orjson.dumps(event.payload).decode())
        await self._broker.wake(created)
        for topic, payloads in messages.items():
            await self._bus.publish(topic, payloads)
