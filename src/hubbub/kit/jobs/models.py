from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from hubbub.kit.db.base import Base, HasId
from hubbub.kit.db.dialect import db_now


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobRecord(HasId, Base):
    """One piece of work. All its times are the database's."""

    __tablename__ = "job"
    # also for those whose lease has lapsed: no more are running at a time than workers can run
    __table_args__ = (Index(None, "status", "run_at"),)

    name: Mapped[str] = mapped_column(String(64))
    key: Mapped[str | None] = mapped_column(String(255), unique=True)
    args: Mapped[dict[str, Any]]
    status: Mapped[JobStatus] = mapped_column(String(16), default=JobStatus.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int]
    run_at: Mapped[datetime] = mapped_column(default=db_now())
    lease_until: Mapped[datetime | None]
    """Set while it runs: when it passes, whoever ran it is taken to be dead."""
    fence: Mapped[int] = mapped_column(default=0)
    """Grows with every claim; what an earlier holder writes is refused."""
    error: Mapped[str | None] = mapped_column(String(128))
    """The name of the exception, never its text: that may hold anything."""
    step: Mapped[str | None] = mapped_column(String(64))
    """What it is at, in the words of the job; of the present run alone, like the next two."""
    percent: Mapped[int | None] = mapped_column(SmallInteger)
    message: Mapped[str | None] = mapped_column(String(200))
    cancel_at: Mapped[datetime | None]
    """When somebody wished that it ended."""
    created_at: Mapped[datetime] = mapped_column(default=db_now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
