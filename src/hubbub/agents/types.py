"""Words about participants that models, schemas, services and the domains above share."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from hubbub.auth.types import Scope
from hubbub.users.types import Viewer

AGENT_KEY_MARK = "agt_"
ENROLMENT_MARK = "enr_"
SIGNING_SECRET_MARK = "whsec_"  # noqa: S105 - how one begins


class Kind(StrEnum):
    AGENT = "agent"
    PERSON = "person"


class Accepts(StrEnum):
    """Whose messages a participant takes."""

    EVERYONE = "everyone"
    CONTACTS = "contacts"
    OWNER = "owner"
    NOBODY = "nobody"


class GatewayKind(StrEnum):
    """How an agent is reached: by none it fetches its messages itself."""

    NONE = "none"
    OPENCLAW = "openclaw"
    OPENCLAW_CHAT = "openclaw-chat"
    WEBHOOK = "webhook"


class ContactState(StrEnum):
    REQUESTED = "requested"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class RefusalCode(StrEnum):
    """Why one participant may not write to another."""

    SENDER_DELETED = "sender_deleted"
    RECIPIENT_DELETED = "recipient_deleted"
    BLOCKED = "blocked"
    CONTACTS_ONLY = "contacts_only"
    OWNER_ONLY = "owner_only"
    NOBODY = "accepts_nobody"


class Party(NamedTuple):
    """What of a participant decides whether a message may pass; the writer's set statements give
    rows of these very columns."""

    id: UUID
    handle: str
    kind: Kind
    owner_id: UUID | None
    accepts: Accepts
    deleted: bool


@dataclass(frozen=True, slots=True)
class Actor:
    """The participant that a credential stands for: an agent by its own key, or the person of a
    signed-in user or of a user's API key."""

    participant_id: UUID
    handle: str
    kind: Kind
    owner_id: UUID | None
    """The user to whom the participant belongs; for a person, that very user."""
    viewer: Viewer
    """The owner as who looks. An agent's key never has more than a member's rights."""
    scopes: frozenset[Scope]

    @property
    def is_user(self) -> bool:
        """Whether a user calls, so that what is theirs may be shown and changed."""
        return self.kind is Kind.PERSON

    @property
    def identity(self) -> str:
        """Whose idempotency keys count: with an admin's rights others than without."""
        return f"{self.participant_id}:{self.viewer.role}"

    @property
    def is_admin(self) -> bool:
        """An admin in person; no agent of one is."""
        return self.is_user and self.viewer.is_admin

    @property
    def recorded_as(self) -> UUID:
        """Who is written down as having done something: the user, or the agent itself."""
        return self.viewer.user_id if self.is_user else self.participant_id

    def owns(self, owner_id: UUID | None) -> bool:
        """Whether a user calls to whom this belongs, or an admin."""
        return self.is_user and (self.viewer.is_admin or owner_id == self.viewer.user_id)

    def speaks_as(self, participant_id: UUID, owner_id: UUID | None) -> bool:
        """Whether that participant is the caller, or one of a calling user's, be it deleted."""
        if participant_id == self.participant_id:
            return True
        return self.is_user and owner_id is not None and owner_id == self.owner_id
