from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hubbub.kit.db.base import Base, HasId
from hubbub.kit.db.dialect import db_now
from hubbub.users.models import User
from hubbub.users.types import Role


class AuthSession(HasId, Base):
    """One sign-in, and the family of refresh tokens that descend from it."""

    __tablename__ = "auth_session"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    address: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(default=db_now())
    refreshed_at: Mapped[datetime] = mapped_column(default=db_now())
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="raise", viewonly=True)


class RefreshToken(HasId, Base):
    """Good once. A second use means that somebody has a copy."""

    __tablename__ = "auth_refresh_token"

    session_id: Mapped[UUID] = mapped_column(
        ForeignKey("auth_session.id", ondelete="CASCADE"), index=True
    )
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    used_at: Mapped[datetime | None]

    session: Mapped[AuthSession] = relationship(lazy="raise", viewonly=True)


class ApiKey(HasId, Base):
    __tablename__ = "auth_api_key"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(100))
    prefix: Mapped[str] = mapped_column(String(16))
    key_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(default=db_now())
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (Index(None, "user_id", "created_at", "id"),)

    user: Mapped[User] = relationship(lazy="raise", viewonly=True)


class Invitation(HasId, Base):
    """Its link carries a token that the hub can make again, so none is stored."""

    __tablename__ = "auth_invitation"
    __table_args__ = (Index(None, "created_at", "id"),)

    email: Mapped[str | None] = mapped_column(String(254))
    role: Mapped[Role]
    inviter_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=db_now())
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class PasswordReset(HasId, Base):
    __tablename__ = "auth_password_reset"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Setup(Base):
    """One row once the first admin exists: of two that try at once, one finds it taken."""

    __tablename__ = "auth_setup"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(default=db_now())
