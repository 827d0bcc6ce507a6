"""Events that ride in a transaction.

A service emits an event in the session that changes the rows it speaks of; both are committed or
neither is. The relay claims committed events, turns them into jobs in one more transaction, and
rings the bus. A lower domain reaches an upper one this way and no other.
"""

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

    model_config = ConfigDict(frozen=True, extra="forbid")
    topic: ClassVar[str]


class OutboxEvent(Base):
    __tablename__ = "outbox_event"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    topic: Mapped[str] = mapped_column(String(64))
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=db_now())


def emit(session: AsyncWriteSession, event: Event) -> None:
    session.add(OutboxEvent(topic=event.topic, payload=event.model_dump(mode="json")))
    session.signal(SIGNAL)
