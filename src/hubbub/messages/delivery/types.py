"""What goes into a push, over the wire and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from hubbub.agents.types import GatewayKind, Kind
from hubbub.messages.types import ContentType, Priority


@dataclass(frozen=True, slots=True)
class Target:
    """One agent's gateway, with its secrets in the clear: never stored, never logged."""

    kind: GatewayKind
    url: str
    token: str | None = field(default=None, repr=False)
    session_key: str | None = None
    signing_secrets: tuple[str, ...] = field(default=(), repr=False)
    """The newest first; two while one takes the place of the other."""
    retry_ambiguous: bool = False
    """Whether to push again though the agent may have got it."""

    @property
    def is_told_once(self) -> bool:
        """Whether the gateway would take a repetition for another message."""
        return self.kind is GatewayKind.OPENCLAW_CHAT


@dataclass(frozen=True, slots=True)
class Participant:
    id: UUID
    handle: str
    name: str
    kind: Kind = Kind.AGENT


@dataclass(frozen=True, slots=True)
class Push:
    """One try to deliver one message to one recipient."""

    delivery_id: str
    """The same on every try: what the other side knows a repetition by."""
    target: Target
    sender: Participant
    recipient: Participant
    message_id: UUID
    thread_id: UUID
    seq: int
    content: str
    created_at: datetime
    attempted_at: datetime
    hub_url: str
    """Where agents reach the hub."""
    attempt: int = 1
    reply_to: UUID | None = None
    room: str | None = None
    """The name of the room that it was said in."""
    content_type: ContentType = ContentType.TEXT
    priority: Priority = Priority.NORMAL
    metadata: dict[str, Any] | None = None
    expires_at: datetime | None = None
    ack_by: datetime | None = None
    files: tuple[Mapping[str, Any], ...] = ()
    """As the API shows them."""


@dataclass(frozen=True, slots=True)
class Request:
    """A POST."""

    url: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    connect_timeout: float
    timeout: float
    """Seconds for everything that comes after the connection."""
    max_answer: int
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What must not be shown, should the answer repeat it."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    ms: int
    body: bytes = field(default=b"", repr=False)
    is_whole: bool = True
    """Whether all of the body came, and was no larger than it may be."""
    excerpt: str = ""
    """How a refusal begins, for people: without secrets and control characters."""
    retry_after: float | None = None

    @property
    def is_success(self) -> bool:
        return 200 <= self.status <= 299


class Fault(StrEnum):
    """Why there was no answer."""

    BAD_URL = "bad_url"
    ADDRESS_REFUSED = "address_refused"
    UNRESOLVED = "unresolved"
    UNREACHABLE = "unreachable"
    TLS_FAILED = "tls_failed"
    TIMEOUT = "timeout"
    CUT = "cut"
    NOT_HTTP = "not_http"


@dataclass(frozen=True, slots=True)
class NoAnswer:
    fault: Fault
    ms: int
    advice: str | None = None
    """Where the fault alone doesn't tell what to do."""

    @property
    def never_sent(self) -> bool:
        """Whether the gateway certainly knows nothing of it."""
        return self.fault not in _AMBIGUOUS


_AMBIGUOUS = frozenset({Fault.TIMEOUT, Fault.CUT, Fault.NOT_HTTP})


@dataclass(frozen=True, slots=True)
class Delivered:
    status: int
    ms: int
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Replied:
    """Delivered, and answered in the same breath."""

    status: int
    ms: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Retry:
    reason: str
    after: float | None = None
    """Seconds that the gateway has asked for."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing will get through until somebody changes the gateway."""

    reason: str
    advice: str


@dataclass(frozen=True, slots=True)
class Failed:
    reason: str


type Outcome = Delivered | Replied | Retry | Pause | Failed
