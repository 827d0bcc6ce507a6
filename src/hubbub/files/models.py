from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, and_
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from hubbub.kit.db.base import Base, Big, HasId
from hubbub.kit.db.dialect import db_now


class File(HasId, Base):
    """What is known of a file; its bytes are in the blob store, under its id."""

    __tablename__ = "file"
    __table_args__ = (Index(None, "participant_id", "created_at", "id"), Index(None, "user_id"))

    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    """Whose quota it counts against; nobody's once that user is deleted."""
    participant_id: Mapped[UUID] = mapped_column(ForeignKey("agent.id"))
    """Who sent it in."""
    name: Mapped[str] = mapped_column(String(255))
    content_type: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(Big)
    sha256: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=db_now())


class FileUse(Base):
    """How many bytes a user has; the one row that uploads of the same user contend for."""

    __tablename__ = "file_use"
    __table_args__ = (CheckConstraint("bytes >= 0", name="not_below_nothing"),)

    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), primary_key=True
    )
    bytes: Mapped[int] = mapped_column(Big)


class Attachment(Base):
    """A file on something that others see: whoever sees that, sees the file. What it is on is in a
    domain above, so no foreign key can lead there; who deletes it, detaches."""

    __tablename__ = "attachment"
    __table_args__ = (Index(None, "file_id"), {"sqlite_with_rowid": False})

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    object_id: Mapped[UUID] = mapped_column(primary_key=True)
    file_id: Mapped[UUID] = mapped_column(
        ForeignKey("file.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(SmallInteger)


def files_of(row_id: Callable[[], Any], kind: str) -> Mapped[list[File]]:
    """The files on a row, for the model of that row."""
    return relationship(
        File,
        secondary=Attachment.__table__,
        primaryjoin=lambda: and_(
            row_id() == foreign(Attachment.object_id), Attachment.kind == kind
        ),
        secondaryjoin=lambda: File.id == foreign(Attachment.file_id),
        order_by=Attachment.position,
        viewonly=True,
        lazy="raise",
    )
