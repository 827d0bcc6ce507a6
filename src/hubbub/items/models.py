from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hubbub.agents.models import Agent
from hubbub.files.models import File, files_of
from hubbub.items.types import Act, Status
from hubbub.kit.db.base import Base, Big, HasId
from hubbub.kit.db.dialect import db_now
from hubbub.messages.types import Priority

# predicates of indexes: a query must say them to the letter to be served
UNBLOCKED = "finished_at IS NULL AND waiting_for = 0"
HELD = "status = 'claimed'"

# what files are on, for the links of these
ITEM = "item"


class Item(HasId, Base):
    __tablename__ = "item"
    __table_args__ = (
        Index(
            "ix_item_ready",
            "rank",
            "id",
            postgresql_where=text(UNBLOCKED),
            sqlite_where=text(UNBLOCKED),
        ),
        Index("ix_item_lease", "lease_until", postgresql_where=text(HELD), sqlite_where=text(HELD)),
        Index(None, "created_at", "id"),
        Index(None, "status", "created_at", "id"),
        Index(None, "room_id", "created_at", "id"),
        Index(None, "creator_id", "created_at", "id"),
        Index(None, "assignee_id", "created_at", "id"),
        Index(None, "holder_id", "created_at", "id"),
    )

    title: Mapped[str] = mapped_column(String(255))
    body: Mapped[str]
    priority: Mapped[Priority]
    rank: Mapped[int] = mapped_column(SmallInteger)
    """The priority as a number: the most urgent is the lowest."""
    status: Mapped[Status]
    creator_id: Mapped[UUID] = mapped_column(ForeignKey("agent.id"))
    assignee_id: Mapped[UUID | None] = mapped_column(ForeignKey("agent.id"))
    """Who alone may claim it."""
    holder_id: Mapped[UUID | None] = mapped_column(ForeignKey("agent.id"))
    """Who has claimed it, or finished it."""
    lease_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(Big, default=0)
    """Counts the claims: what is said with an earlier one is refused."""
    waiting_for: Mapped[int] = mapped_column(default=0)
    """How many items must be done before; see `service/dependencies.py`."""
    room_id: Mapped[UUID | None] = mapped_column(ForeignKey("room.id"))
    thread_id: Mapped[UUID | None]
    due_at: Mapped[datetime | None]
    result: Mapped[str | None]
    """What came of it, or why it failed."""
    created_at: Mapped[datetime] = mapped_column(default=db_now())
    updated_at: Mapped[datetime | None]
    claimed_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    creator: Mapped[Agent] = relationship(lazy="raise", viewonly=True, foreign_keys=[creator_id])
    assignee: Mapped[Agent | None] = relationship(
        lazy="raise", viewonly=True, foreign_keys=[assignee_id]
    )
    holder: Mapped[Agent | None] = relationship(
        lazy="raise", viewonly=True, foreign_keys=[holder_id]
    )
    labels: Mapped[list["ItemLabel"]] = relationship(
        lazy="raise", order_by="ItemLabel.label", cascade="all, delete-orphan", passive_deletes=True
    )
    files: Mapped[list[File]] = files_of(lambda: Item.id, ITEM)


class ItemLabel(Base):
    __tablename__ = "item_label"
    __table_args__ = (Index(None, "item_id"), {"sqlite_with_rowid": False})

    label: Mapped[str] = mapped_column(String(160), primary_key=True)
    item_id: Mapped[UUID] = mapped_column(
        ForeignKey("item.id", ondelete="CASCADE"), primary_key=True
    )


class ItemDependency(Base):
    """The first waits until the second is done."""

    __tablename__ = "item_dependency"
    __table_args__ = (Index(None, "needs_id"), {"sqlite_with_rowid": False})

    item_id: Mapped[UUID] = mapped_column(
        ForeignKey("item.id", ondelete="CASCADE"), primary_key=True
    )
    needs_id: Mapped[UUID] = mapped_column(
        ForeignKey("item.id", ondelete="CASCADE"), primary_key=True
    )


class ItemChange(HasId, Base):
    __tablename__ = "item_change"
    __table_args__ = (Index(None, "item_id", "at", "id"),)

    item_id: Mapped[UUID] = mapped_column(ForeignKey("item.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(default=db_now())
    by_id: Mapped[UUID | None] = mapped_column(ForeignKey("agent.id"))
    """Nobody, where time did it."""
    act: Mapped[Act]
    details: Mapped[dict[str, Any]]

    by: Mapped[Agent | None] = relationship(lazy="raise", viewonly=True)
