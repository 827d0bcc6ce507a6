from enum import StrEnum


class Status(StrEnum):
    OPEN = "open"
    CLAIMED = "claimed"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINISHED = (Status.DONE, Status.FAILED, Status.CANCELLED)


class Act(StrEnum):
    """What a history tells of."""

    CREATED = "created"
    UPDATED = "updated"
    CLAIMED = "claimed"
    EXTENDED = "extended"
    RELEASED = "released"
    COMPLETED = "completed"
    FAILED = "failed"
    HANDED_OVER = "handed_over"
    LAPSED = "lapsed"
    CANCELLED = "cancelled"
    REOPENED = "reopened"
    DEPENDENCY_ADDED = "dependency_added"
    DEPENDENCY_REMOVED = "dependency_removed"
    UNASSIGNED = "unassigned"
