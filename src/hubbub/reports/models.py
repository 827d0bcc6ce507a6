from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from hubbub.kit.db.base import Base, Big, HasId
from hubbub.kit.db.dialect import db_now
from hubbub.reports.types import Span, Stage, Subject


class Report(HasId, Base):
    """What was asked for, and what came of it. How it stands until then, its job says."""

    __tablename__ = "report"
    __table_args__ = (
        Index(None, "created_at", "id"),
        Index(None, "participant_id", "created_at", "id"),
        Index(None, "user_id", "created_at"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    """Who may have only so many on their way."""
    participant_id: Mapped[UUID] = mapped_column(ForeignKey("agent.id"))
    """Who asked."""
    kind: Mapped[Subject]
    span: Mapped[Span]
    since: Mapped[datetime]
    until: Mapped[datetime]
    job_id: Mapped[UUID]
    """No foreign key: jobs are forgotten sooner."""
    outcome: Mapped[Stage | None]
    """Null until it is known to have ended."""
    pdf_bytes: Mapped[int | None] = mapped_column(Big)
    json_bytes: Mapped[int | None] = mapped_column(Big)
    created_at: Mapped[datetime] = mapped_column(default=db_now())
    finished_at: Mapped[datetime | None]
