from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from hubbub.users.types import Viewer


class Scope(StrEnum):
    """What a credential may be used for. A signed-in person has them all, but for what admins
    alone may do."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"
    BROADCAST = "broadcast"
    """Writing to everyone at once; only admins give it."""


@dataclass(frozen=True, slots=True)
class Caller(Viewer):
    """The user behind a credential that has just been checked, and what the credential allows."""

    scopes: frozenset[Scope]
    expires_at: datetime | None = None
    """When the credential ends by itself."""
    session_id: UUID | None = None
    api_key_id: UUID | None = None

    @property
    def identity(self) -> str:
        """Whose idempotency keys count. An API key has its own: it may do less than its user, so
        it isn't told again what the user was answered."""
        return str(self.api_key_id or self.user_id)
