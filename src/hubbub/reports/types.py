from enum import StrEnum


class Kind(StrEnum):
    """What a report is about."""

    ACTIVITY = "activity"
    DELIVERY = "delivery"
    WORK = "work"


class Span(StrEnum):
    """How much it covers."""

    HUB = "hub"
    MINE = "mine"


class Status(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = (Status.QUEUED, Status.RUNNING)
