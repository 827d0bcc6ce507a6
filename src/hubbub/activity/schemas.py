from typing import Any
from uuid import UUID

from hubbub.kit.schema import Schema, UtcDatetime


class ActivityRead(Schema):
    id: UUID
    at: UtcDatetime
    actor_id: UUID | None
    """A user, or an agent by its own key; null where the hub itself acted."""
    action: str
    object_kind: str | None
    object_id: UUID | None
    request_id: str | None
    address: str | None
    details: dict[str, Any]
    number: int | None
    """Its place in the chain; null for the moment before it is sealed."""
    hash: str | None
