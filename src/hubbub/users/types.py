"""Words that models, schemas and services of many domains share about people."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    ADMIN = "admin"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is looking. Every finder takes one, so that nobody is shown what isn't theirs to see."""

    user_id: UUID
    role: Role

    @property
    def is_admin(self) -> bool:
        return self.role is Role.ADMIN


class UserSort(StrEnum):
    CREATED_AT = "created_at"
    NAME = "name"
    EMAIL = "email"
