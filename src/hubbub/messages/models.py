"""The tables of the hot path. They have no foreign keys: the writer checks in sets what it refers
to, agents are never deleted as rows, and a check for each inserted row is what a send would pay for
most."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from hubbub.kit.db.base import Base, Big
from hubbub.kit.db.dialect import db_now
from hubbub.kit.ids import new_id
from hubbub.messages.types import AttemptOutcome, ContentType, Priority, State

# what files are on, for the links of these
MESSAGE = "message"

# the predicate of an index: a query must say it to the letter to be served
AWAITS_ACK = "ack_by IS NOT NULL AND state IN ('queued', 'delivered', 'failed')"


class Message(Base):
    """What one participant said: never changed, but for being withdrawn."""

    __tablename__ = "message"
    __table_args__ = (
        Index(
            "ix_message_thread",
            "thread_id",
            "id",
            postgresql_where=text("reply_to IS NOT NULL"),
            sqlite_where=text("reply_to IS NOT NULL"),
        ),
        Index(None, "sender_id", "id"),
        Index(
            "ix_message_room",
            "room_id",
            "id",
            postgresql_where=text("room_id IS NOT NULL"),
            sqlite_where=text("room_id IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sender_id: Mapped[UUID]
    thread_id: Mapped[UUID]
    room_id: Mapped[UUID | None]
    reply_to: Mapped[UUID | None]
    addressed: Mapped[list[str]]
    """What was typed, before it was resolved."""
    content: Mapped[str]
    content_type: Mapped[ContentType]
    meta: Mapped[dict[str, Any] | None] = mapped_column("metadata")
    priority: Mapped[Priority]
    hops: Mapped[int] = mapped_column(SmallInteger)
    """How many agents have answered each other since a person last spoke."""
    created_at: Mapped[datetime]
    deliver_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    ack_by: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    files: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    """What was attached, as it was then: no reader has to look it up."""


class Delivery(Base):
    """One message in one inbox. The inbox is the key, so that a page of it is read in one go."""

    __tablename__ = "delivery"
    __table_args__ = (
        Index(None, "message_id", "recipient_id", unique=True),
        Index(None, "recipient_id", "message_id"),
        Index(
            "ix_delivery_expiring",
            "expires_at",
            postgresql_where=text("expires_at IS NOT NULL"),
            sqlite_where=text("expires_at IS NOT NULL"),
        ),
        Index(
            "ix_delivery_ack_by",
            "ack_by",
            postgresql_where=text(AWAITS_ACK),
            sqlite_where=text(AWAITS_ACK),
        ),
        {"sqlite_with_rowid": False},
    )

    recipient_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(Big, primary_key=True, autoincrement=False)
    message_id: Mapped[UUID]
    sender_id: Mapped[UUID]
    state: Mapped[State]
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    acked_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    ack_by: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    """How often it was pushed."""
    reason: Mapped[str | None] = mapped_column(String(64))
    """Why it failed."""


class PendingPush(Base):
    """A delivery that is still to be pushed to a gateway; the key is the order. Whether it is still
    queued is asked when its turn comes, so that what ends a delivery needn't know of this."""

    __tablename__ = "push"
    __table_args__ = (
        # what was never tried is due: only the others have to be asked for their time
        Index(
            "ix_push_waiting",
            "recipient_id",
            "due_at",
            postgresql_where=text("attempts > 0"),
            sqlite_where=text("attempts > 0"),
        ),
        {"sqlite_with_rowid": False},
    )

    recipient_id: Mapped[UUID] = mapped_column(primary_key=True)
    rank: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(Big, primary_key=True, autoincrement=False)
    message_id: Mapped[UUID]
    attempts: Mapped[int] = mapped_column(SmallInteger)
    """Those that count for the schedule: a pause doesn't, a replay begins anew."""
    due_at: Mapped[datetime]
    posting: Mapped[bool]
    """Something was begun that can't be begun twice, and nothing is known of its end."""
    created_at: Mapped[datetime]


class Lane(Base):
    """Where all pushes to one agent go through, by one process at a time."""

    __tablename__ = "lane"
    __table_args__ = (
        Index(
            "ix_lane_due",
            "due_at",
            postgresql_where=text("due_at IS NOT NULL"),
            sqlite_where=text("due_at IS NOT NULL"),
        ),
    )

    agent_id: Mapped[UUID] = mapped_column(primary_key=True)
    due_at: Mapped[datetime | None]
    """Null when there is nothing to push. Of one that is taken, the end of its lease."""
    held_until: Mapped[datetime | None]
    """Whatever comes, nothing is pushed before."""
    lease_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(Big)
    """Counts who has taken it: what an earlier one says is refused."""
    failures: Mapped[int]
    """In a row."""
    failing_since: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    pause_reason: Mapped[str | None] = mapped_column(String(64))
    pause_advice: Mapped[str | None]
    probes: Mapped[int] = mapped_column(SmallInteger)
    """How often the head was tried since the pause began."""


class Attempt(Base):
    """One try to push, kept as long as its message."""

    __tablename__ = "attempt"
    __table_args__ = (Index(None, "message_id", "recipient_id", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    message_id: Mapped[UUID]
    recipient_id: Mapped[UUID]
    number: Mapped[int] = mapped_column(SmallInteger)
    at: Mapped[datetime]
    ms: Mapped[int | None]
    status: Mapped[int | None]
    """What the gateway answered."""
    outcome: Mapped[AttemptOutcome]
    reason: Mapped[str | None] = mapped_column(String(64))
    excerpt: Mapped[str | None]
    """How a refusal began."""


class RoomMessage(Base):
    """What was said in a room, in the room's own order."""

    __tablename__ = "room_message"
    __table_args__ = (Index(None, "message_id", unique=True), {"sqlite_with_rowid": False})

    room_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(Big, primary_key=True, autoincrement=False)
    message_id: Mapped[UUID]


class FanOut(Base):
    """A message whose deliveries are made after it was stored: it is due later, or it goes to
    everyone. Stays when it is done, and tells how many it reached."""

    __tablename__ = "fan_out"
    __table_args__ = (
        Index(
            "ix_fan_out_due",
            "due_at",
            postgresql_where=text("done_at IS NULL"),
            sqlite_where=text("done_at IS NULL"),
        ),
    )

    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    due_at: Mapped[datetime]
    to_everyone: Mapped[bool]
    recipients: Mapped[list[str]]
    """The ids of those who were named; a room's members are those of the time when it is due."""
    after_id: Mapped[UUID | None]
    """How far it has come with everyone."""
    reached: Mapped[int]
    skipped: Mapped[int]
    """Those who take nothing from the sender, or are gone."""
    done_at: Mapped[datetime | None]


class IdempotencyKey(Base):
    """What a participant has sent under a key, for as long as the key is kept. The answer isn't
    stored: it is told again from the message."""

    __tablename__ = "idempotency_key"
    __table_args__ = (Index(None, "created_at"), {"sqlite_with_rowid": False})

    participant_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    body_hash: Mapped[str] = mapped_column(String(64))
    message_id: Mapped[UUID]
    created_at: Mapped[datetime]


class UnindexedBatch(Base):
    """Messages that were stored together and can't be found by their words yet."""

    __tablename__ = "unindexed_batch"
    __table_args__ = ({"sqlite_with_rowid": False},)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    messages: Mapped[list[list[str]]] = mapped_column(JSON(none_as_null=True))
    """For each its id, then all its participants; the id alone when these are many."""
    stored_by: Mapped[str] = mapped_column(String(16))
    """The process that indexes it, unless it has ended."""
    created_at: Mapped[datetime]


class OverdueTold(Base):
    """The last delivery whose being overdue people were told of. One row."""

    __tablename__ = "overdue_told"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    ack_by: Mapped[datetime]
    message_id: Mapped[UUID]
    recipient_id: Mapped[UUID]


class Announcement(Base):
    """Something that is to be said because of what was done in this transaction. Said by the writer
    a moment later, under this id as its key, and then deleted."""

    __tablename__ = "announcement"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    sender_id: Mapped[UUID]
    addressed: Mapped[str] = mapped_column(String(80))
    content: Mapped[str]
    meta: Mapped[dict[str, Any]] = mapped_column("metadata")
    created_at: Mapped[datetime] = mapped_column(default=db_now())


class Epoch(Base):
    """Names this history of the hub. A restored backup begins another, and every cursor of the
    one before is told so."""

    __tablename__ = "epoch"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    value: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(default=db_now())
