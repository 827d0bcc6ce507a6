from enum import StrEnum


class Subject(StrEnum):
    """What a report is about."""

    ACTIVITY = "activity"
    DELIVERY = "delivery"
    WORK = "work"


class Span(StrEnum):
    """How much it covers."""

    HUB = "hub"
    MINE = "mine"


class Stage(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = (Stage.QUEUED, Stage.RUNNING)
