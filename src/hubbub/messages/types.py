from enum import StrEnum


class State(StrEnum):
    """Where one delivery stands. The first two are open, the others final for its recipient."""

    QUEUED = "queued"
    DELIVERED = "delivered"
    ACKED = "acked"
    FAILED = "failed"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


OPEN = (State.QUEUED, State.DELIVERED)
TOMBSTONES = (State.EXPIRED, State.WITHDRAWN)
"""Keep their place in the inbox, without their content."""


class ContentType(StrEnum):
    TEXT = "text/plain"
    MARKDOWN = "text/markdown"
    JSON = "application/json"


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"
