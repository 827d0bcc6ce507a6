from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from hubbub.kit.db.base import Base, HasId
from hubbub.kit.db.dialect import db_now


class Activity(HasId, Base):
    """No foreign keys: the record outlives what it speaks of."""

    __tablename__ = "activity"
    __table_args__ = (
        Index(None, "actor_id", "id"),
        Index(None, "target_kind", "target_id", "id"),
    )

    at: Mapped[datetime] = mapped_column(default=db_now())
    actor_id: Mapped[UUID | None]
    action: Mapped[str] = mapped_column(String(64))
    target_kind: Mapped[str | None] = mapped_column(String(32))
    target_id: Mapped[UUID | None]
    request_id: Mapped[str | None] = mapped_column(String(64))
    address: Mapped[str | None] = mapped_column(String(64))
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
