from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from hubbub.kit.db.base import Base, HasId
from hubbub.kit.db.dialect import db_now
from hubbub.users.types import Role

NAME_KEY_LENGTH = 256


class User(HasId, Base):
    """The `…_key` columns hold what comparing without regard to case compares."""

    __tablename__ = "user"
    __table_args__ = (Index(None, "created_at", "id"), Index(None, "name_key", "id"))

    email: Mapped[str] = mapped_column(String(254), unique=True)
    username: Mapped[str] = mapped_column(String(128))
    username_key: Mapped[str] = mapped_column(String(128), unique=True)
    full_name: Mapped[str] = mapped_column(String(128))
    name_key: Mapped[str] = mapped_column(String(NAME_KEY_LENGTH))
    website: Mapped[str | None] = mapped_column(String(2083))
    role: Mapped[Role]
    is_active: Mapped[bool] = mapped_column(default=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(default=db_now())
    updated_at: Mapped[datetime | None] = mapped_column(onupdate=db_now())
