from enum import StrEnum


class Visibility(StrEnum):
    PUBLIC = "public"
    PRIVATE = "private"


class History(StrEnum):
    """What a member of a private room may read."""

    ALL = "all"
    JOINED = "joined"


class MemberRole(StrEnum):
    """Observers read and don't speak."""

    OWNER = "owner"
    MEMBER = "member"
    OBSERVER = "observer"
