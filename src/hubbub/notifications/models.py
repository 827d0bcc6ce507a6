from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, text, true
from sqlalchemy.orm import Mapped, mapped_column

from hubbub.kit.db.base import Base, HasId
from hubbub.kit.db.dialect import db_now
from hubbub.notifications.types import MailState

WAITS_FOR_MAIL = "mail = 'waiting' AND mail_id IS NULL"
"""To the letter, so that the index serves it."""


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
        Index(
            "ix_notification_waiting",
            "user_id",
            "created_at",
            postgresql_where=text(WAITS_FOR_MAIL),
            sqlite_where=text(WAITS_FOR_MAIL),
        ),
        Index(
            "ix_notification_mailed",
            "user_id",
            "kind",
            "mail_at",
            postgresql_where=text("mail_at IS NOT NULL"),
            sqlite_where=text("mail_at IS NOT NULL"),
        ),
        Index(
            "ix_notification_mail",
            "mail_id",
            postgresql_where=text("mail_id IS NOT NULL"),
            sqlite_where=text("mail_id IS NOT NULL"),
        ),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=db_now())
    read_at: Mapped[datetime | None]
    shown: Mapped[bool] = mapped_column(default=True, server_default=true())
    """In the hub; otherwise it is there for the mail alone."""
    mail: Mapped[MailState | None]
    """Null when no mail is wanted."""
    mail_id: Mapped[UUID | None]
    """The mail that takes it along, which is the id of the job that sends it."""
    mail_at: Mapped[datetime | None]


class NotificationPreference(Base):
    """What a user has chosen; for other kinds the hub's own choice counts."""

    __tablename__ = "notification_preference"

    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(String(64), primary_key=True)
    hub: Mapped[bool]
    email: Mapped[bool]
