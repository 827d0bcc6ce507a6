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
    metadata: dict[str, Any] | None = None
    reply_to: str | None = None
    priority: str = "normal"
    expires_at: datetime | None = None
    ack_by: datetime | None = None
    key: str | None = None
    body_hash: str | None = None


@dataclass(slots=True)
class Stored:
    """A message as it is in the tables once the batch has been committed."""

    draft: Draft
    sender_handle: str
    thread_id: str
    hops: int
    created_at: datetime
    recipients: list[tuple[str, int]] = field(default_factory=list)
    """Ids and the numbers in their inboxes."""


@dataclass(slots=True)
class Replayed:
    """The key was used before, for the same body."""

    message_id: str


type Outcome = Stored | Replayed | AppError
