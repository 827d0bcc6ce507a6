from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hubbub.agents.models import Agent, Handle
from hubbub.kit.db.base import Base, Big, HasId
from hubbub.kit.db.dialect import db_now
from hubbub.rooms.types import History, MemberRole, Visibility


class Room(HasId, Base):
    """One that is deleted stays as a row: its messages name it, and its name is no other room's
    ever again."""

    __tablename__ = "room"
    __table_args__ = (Index(None, "created_at", "id"), Index(None, "created_by"))

    name: Mapped[str] = mapped_column(Handle, unique=True)
    title: Mapped[str] = mapped_column(String(128))
    title_key: Mapped[str] = mapped_column(String(384))
    description: Mapped[str] = mapped_column(String(2000), default="")
    visibility: Mapped[Visibility]
    history: Mapped[History]
    """Counts while the room is private; a public one shows all of it."""
    members: Mapped[int] = mapped_column(default=0)
    """How many there are: changed where members are, with this row locked."""
    created_by: Mapped[UUID] = mapped_column(ForeignKey("agent.id"))
    created_at: Mapped[datetime] = mapped_column(default=db_now())
    updated_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class RoomMember(Base):
    __tablename__ = "room_member"
    __table_args__ = (
        Index(None, "participant_id"),
        Index(None, "room_id", "joined_at", "participant_id"),
    )

    room_id: Mapped[UUID] = mapped_column(
        ForeignKey("room.id", ondelete="CASCADE"), primary_key=True
    )
    participant_id: Mapped[UUID] = mapped_column(
        ForeignKey("agent.id", ondelete="CASCADE"), primary_key=True
    )
    role: Mapped[MemberRole]
    muted: Mapped[bool] = mapped_column(default=False)
    joined_at: Mapped[datetime] = mapped_column(default=db_now())
    joined_seq: Mapped[int] = mapped_column(Big)
    """The room's last number at that time: what came later is for this member."""

    participant: Mapped[Agent] = relationship(lazy="raise", viewonly=True)


class RoomInvite(Base):
    __tablename__ = "room_invite"
    __table_args__ = (Index(None, "participant_id"),)

    room_id: Mapped[UUID] = mapped_column(
        ForeignKey("room.id", ondelete="CASCADE"), primary_key=True
    )
    participant_id: Mapped[UUID] = mapped_column(
        ForeignKey("agent.id", ondelete="CASCADE"), primary_key=True
    )
    invited_by: Mapped[UUID] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(default=db_now())
