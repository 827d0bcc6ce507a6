"""What waits to be stored, and what becomes of it. All ids are text here: the JSON of the API, the
text of SQLite and PostgreSQL's driver all take it as it is."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hubbub.kit.errors import AppError


@dataclass(slots=True, eq=False)
class Draft:
    """A validated message of one sender."""

    id: str
    sender_id: str
    to_ids: tuple[str, ...]
    to_handles: tuple[str, ...]
    addressed: list[str]
    content: str
    content_type: str
    to_room: str | None = None
    to_everyone: bool = False
    names: tuple[str, ...] = ()
    """What may be members of the room who are mentioned."""
    metadata: dict[str, Any] | None = None
    reply_to: str | None = None
    priority: str = "normal"
    deliver_at: datetime | None = None
    expires_at: datetime | None = None
    ack_by: datetime | None = None
    key: str | None = None
    body_hash: str | None = None
    files: tuple[dict[str, Any] | None, ...] = ()
    """What is attached, as it is shown; None for what the sender hasn't got."""

    @property
    def is_delivered_later(self) -> bool:
        """Stored now, without deliveries: these are made when it is due, or by and by."""
        return self.to_everyone or self.deliver_at is not None


@dataclass(slots=True)
class Deliveries:
    """Those of one message that one transaction makes; times as the database takes them."""

    message_id: str
    sender_id: str
    expires_at: Any
    ack_by: Any
    recipients: list[tuple[str, int]]
    """Ids and the numbers in their inboxes, nothing before they are given."""
    room_id: str | None
    room_seq: int
    priority: str
    pushed: list[str] = field(default_factory=list, kw_only=True)
    """Those of the recipients who have a gateway."""


@dataclass(slots=True)
class Stored(Deliveries):
    """A message as it is in the tables once the batch has been committed."""

    draft: Draft
    sender_handle: str
    thread_id: str
    hops: int
    created_at: datetime


@dataclass(slots=True)
class Replayed:
    """The key was used before, for the same body."""

    message_id: str


type Outcome = Stored | Replayed | AppError
