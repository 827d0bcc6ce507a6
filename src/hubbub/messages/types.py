import base64
import secrets
from enum import StrEnum
from uuid import UUID

THIS_PROCESS = secrets.token_hex(8)
"""Tells what this process has stored from what another one has."""


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
ARRIVED = (State.DELIVERED, State.ACKED)


class ContentType(StrEnum):
    TEXT = "text/plain"
    MARKDOWN = "text/markdown"
    JSON = "application/json"


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


RANKS = {Priority.URGENT: 0, Priority.HIGH: 1, Priority.NORMAL: 2, Priority.LOW: 3}
"""In which order an agent is pushed to."""
SAME_RANK = 2
"""Of all pushes to an agent that gets one after the other."""


class AttemptOutcome(StrEnum):
    DELIVERED = "delivered"
    RETRY = "retry"
    PAUSED = "paused"
    """The gateway has to be changed; it didn't count."""
    FAILED = "failed"


BY_OWNER = "paused_by_owner"
"""Why a gateway is paused that no success of a push unpauses."""


class Role(StrEnum):
    """On which side of a delivery one stands."""

    SENDER = "sender"
    RECIPIENT = "recipient"


class Direction(StrEnum):
    INCOMING = "incoming"
    OUTGOING = "outgoing"


DELIVERY_MARK = "dlv_"


def delivery_id(message_id: UUID, recipient_id: UUID) -> str:
    """What a delivery is called outside. It is derived: no column and no index is spent on it."""
    pair = message_id.bytes + recipient_id.bytes
    return DELIVERY_MARK + base64.urlsafe_b64encode(pair).decode().rstrip("=")


def parse_delivery_id(text: str) -> tuple[UUID, UUID] | None:
    """The message and the recipient; None for what was never given out."""
    try:
        pair = base64.b64decode(f"{text.removeprefix(DELIVERY_MARK)}=", b"-_", validate=True)
    except ValueError:
        return None
    if len(pair) != 32:
        return None
    found = UUID(bytes=pair[:16]), UUID(bytes=pair[16:])
    # one spelling alone, or one delivery would have several ids
    return found if delivery_id(*found) == text else None


class Finding(StrEnum):
    """What a gateway's answer, or its silence, says about it."""

    OK = "ok"
    # the gateway itself
    HOOKS_DISABLED = "hooks_disabled"
    CHAT_DISABLED = "chat_disabled"
    WRONG_TOKEN = "wrong_token"  # noqa: S105 - a word, as those below
    GATEWAY_TOKEN_GIVEN = "gateway_token_given"  # noqa: S105
    HOOKS_TOKEN_GIVEN = "hooks_token_given"  # noqa: S105
    TOKEN_UNREADABLE = "token_unreadable"  # noqa: S105
    SESSION_KEYS_NOT_ALLOWED = "session_keys_not_allowed"
    NO_PREFIXES = "no_prefixes"
    PREFIX_MISSING = "prefix_missing"
    SESSION_KEY_REFUSED = "session_key_refused"
    AGENT_NEEDED = "agent_needed"
    UNKNOWN_AGENT = "unknown_agent"
    MODEL_REFUSED = "model_refused"
    NOT_OPENCLAW = "not_openclaw"
    STARTING = "starting"
    BUSY = "busy"
    # any server
    BAD_REQUEST = "bad_request"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    GONE = "gone"
    TOO_LARGE = "too_large"
    REDIRECTED = "redirected"
    REFUSED = "refused"
    THROTTLED = "throttled"
    TRY_LATER = "try_later"
    SERVER_ERROR = "server_error"
    # no server
    BAD_URL = "bad_url"
    REFUSED_BY_OUR_RULES = "refused_by_our_rules"
    UNRESOLVED = "unresolved"
    UNREACHABLE = "unreachable"
    TLS_FAILED = "tls_failed"
    TIMEOUT = "timeout"
    CUT = "cut"
    NOT_HTTP = "not_http"
