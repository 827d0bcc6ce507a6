from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from hubbub.kit.db.base import Base, HasId
from hubbub.kit.db.dialect import db_now


class Notification(HasId, Base):
    __tablename__ = "notification"
    __table_args__ = (
        Index(None, "user_id", "created_at", "id"),
        Index(
            "ix_notification_unread",
            "user_id",
            postgresql_where=text("read_at IS NULL"),
            sqlite_where=text("read_at IS NULL"),
        ),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=db_now())
    read_at: Mapped[datetime | None]
