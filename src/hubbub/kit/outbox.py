"""Events that ride in a transaction.

A service emits an event in the session that changes the rows it speaks of; both are committed or
neither is. The relay (`kit/jobs/relay.py`) takes committed events, turns them into jobs in one
more transaction, and rings the bus. A lower domain reaches an upper one this way and no other.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from hubbub.kit.db.base import Base
from hubbub.kit.db.dialect import db_now
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.ids import new_id

SIGNAL = "outbox"


class Event(BaseModel):
    """Something that happened. Carries ids, never secrets and never whole rows."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    topic: ClassVar[str]


class OutboxEvent(Base):
    """Waits for the relay, which deletes it in the transaction that makes its jobs."""

    __tablename__ = "outbox_event"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    topic: Mapped[str] = mapped_column(String(64))
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=db_now())


def emit(session: AsyncWriteSession, event: Event) -> None:
    """Stores the event with the caller's transaction; nothing happens before that commits."""
    session.add(OutboxEvent(topic=event.topic, payload=event.model_dump(mode="json")))
    session.tell(event.topic, event.model_dump_json())
    session.signal(SIGNAL)


def known_topics() -> frozenset[str]:
    """The topics of all events whose classes this process has imported."""
    return frozenset(kind.topic for kind in _kinds(Event) if hasattr(kind, "topic"))


def _kinds(base: type[Event]) -> Iterator[type[Event]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _kinds(kind)
