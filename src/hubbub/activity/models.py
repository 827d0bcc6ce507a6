from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from hubbub.kit.db.base import Base, Big, HasId
from hubbub.kit.db.dialect import db_now

UNSEALED = "number IS NULL"
"""To the letter, so that the index serves it."""


class Activity(HasId, Base):
    """Written once; after that only the sealer puts it into the chain. No foreign keys: the record
    outlives what it speaks of."""

    __tablename__ = "activity"
    __table_args__ = (
        Index(None, "actor_id", "id"),
        Index(None, "target_id", "id"),
        Index(None, "action", "id"),
        Index(
            "ix_activity_unsealed",
            "id",
            postgresql_where=text(UNSEALED),
            sqlite_where=text(UNSEALED),
        ),
    )

    at: Mapped[datetime] = mapped_column(default=db_now())
    actor_id: Mapped[UUID | None]
    action: Mapped[str] = mapped_column(String(64))
    target_kind: Mapped[str | None] = mapped_column(String(32))
    target_id: Mapped[UUID | None]
    request_id: Mapped[str | None] = mapped_column(String(64))
    address: Mapped[str | None] = mapped_column(String(64))
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    number: Mapped[int | None] = mapped_column(Big, unique=True)
    """Its place in the chain; null until it is sealed."""
    previous: Mapped[str | None] = mapped_column(String(64))
    hash: Mapped[str | None] = mapped_column(String(64))


class ActivityHead(Base):
    """The last link of the chain, and who may add to it. One row."""

    __tablename__ = "activity_head"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(Big)
    hash: Mapped[str] = mapped_column(String(64))
    held_by: Mapped[UUID | None]
    held_until: Mapped[datetime | None]
