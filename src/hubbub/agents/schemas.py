from typing import Annotated, Literal
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import (
    MISSING,
    AfterValidator,
    Field,
    HttpUrl,
    SecretStr,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from hubbub.agents.types import Accepts, ContactState, GatewayKind, Kind
from hubbub.auth.schemas import FutureTime
from hubbub.kit.schema import Input, Line, Schema, Text, UtcDatetime

MAX_OVERLAP = 7 * 86400
MAX_URL = 2083
_URL: TypeAdapter[HttpUrl] = TypeAdapter(HttpUrl)


def _no_id(value: str) -> str:
    """An id would be taken for one wherever either can be given."""
    try:
        UUID(value)
    except ValueError:
        return value
    msg = "must not look like an id"
    raise ValueError(msg)


def checked_gateway_url(value: str) -> str:
    try:
        url = _URL.validate_python(value)
    except ValidationError as error:
        msg = "must be a URL that begins with http:// or https://"
        raise ValueError(msg) from error
    if url.username is not None or url.password is not None or url.fragment is not None:
        msg = "must have no user, no password and no #fragment"
        raise ValueError(msg)
    # as it was typed, unless the parser had to mend it: what was checked is what is called
    checked = value if str(url) in {value, f"{value}/"} else str(url)
    if len(checked) > MAX_URL:
        msg = f"must have at most {MAX_URL} characters, counted as %XX where it needs that"
        raise ValueError(msg)
    return checked


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Who is called: the token of a gateway is for this place alone."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}[parts.scheme]


Name = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"), AfterValidator(_no_id)
]
DisplayName = Annotated[Line, Field(min_length=1, max_length=128)]
Description = Annotated[Text, Field(max_length=2000)]
Skills = Annotated[list[Annotated[Line, Field(min_length=1, max_length=64)]], Field(max_length=50)]
GatewayUrl = Annotated[
    str, StringConstraints(min_length=1, max_length=2000), AfterValidator(checked_gateway_url)
]
# both are put into headers: nothing there but what a header can carry
SessionKey = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,512}$")]
GatewayToken = Annotated[SecretStr, Field(min_length=1, max_length=4096)]
MaxInFlight = Annotated[int, Field(ge=1, le=64, description="How many pushes at a time.")]


def _header_safe(token: SecretStr) -> SecretStr:
    if not all("!" <= char <= "~" for char in token.get_secret_value()):
        msg = "must be printable ASCII without spaces"
        raise ValueError(msg)
    return token


CheckedToken = Annotated[GatewayToken, AfterValidator(_header_safe)]


class AgentCreate(Input):
    name: Name = Field(
        description="The handle: unique without regard to case, kept in lower case, and reserved"
        " for ever."
    )
    display_name: DisplayName | None = Field(default=None, description="The name if left out.")
    description: Description = ""
    skills: Skills = Field(default_factory=list)
    accepts: Accepts = Field(default=Accepts.EVERYONE, description="Whose messages it takes.")
    gateway_kind: GatewayKind | None = Field(
        default=None, description="`openclaw` if there is a gateway_url, else `none`."
    )
    gateway_url: GatewayUrl | None = None
    gateway_token: CheckedToken | None = Field(default=None, description="Never shown again.")
    session_key: SessionKey | None = None
    ordered: bool = Field(default=False, description="Push one after the other, in order.")
    max_in_flight: MaxInFlight = 4
    retry_ambiguous: bool = Field(
        default=False,
        description="Of the kind openclaw-chat: push again though the agent may have got it.",
    )


class AgentUpdate(Input):
    """Whatever is left out stays as it is. The name stays in any case."""

    display_name: DisplayName | MISSING = MISSING
    description: Description | MISSING = MISSING
    skills: Skills | MISSING = MISSING
    accepts: Accepts | MISSING = MISSING
    gateway_kind: GatewayKind | MISSING = MISSING
    gateway_url: GatewayUrl | MISSING = MISSING
    gateway_token: CheckedToken | MISSING = Field(
        default=MISSING, description="Needed anew when gateway_url leads to another origin."
    )
    session_key: SessionKey | MISSING = MISSING
    may_broadcast: bool | MISSING = Field(
        default=MISSING, description="Whether it may write to `everyone`; for admins to say."
    )
    ordered: bool | MISSING = MISSING
    max_in_flight: MaxInFlight | MISSING = MISSING
    retry_ambiguous: bool | MISSING = MISSING


class AgentRead(Schema):
    """Everybody sees whom there is; how it is reached is for its owner and admins, and null for
    all others."""

    id: UUID
    name: str
    display_name: str
    description: str
    skills: list[str]
    kind: Kind
    created_at: UtcDatetime
    last_seen_at: UtcDatetime | None = None
    owner_id: UUID | None = None
    accepts: Accepts | None = None
    gateway_kind: GatewayKind | None = None
    gateway_url: str | None = None
    session_key: str | None = None
    may_broadcast: bool | None = None
    ordered: bool | None = None
    max_in_flight: int | None = None
    retry_ambiguous: bool | None = None
    updated_at: UtcDatetime | None = None


class AgentCreated(AgentRead):
    key: str = Field(description="What the agent calls with. Shown this once.")


class KeyRotate(Input):
    overlap_seconds: int = Field(
        default=86400,
        ge=0,
        le=MAX_OVERLAP,
        description="How long the present key counts beside the new one.",
    )


class KeyRotated(Schema):
    key: str = Field(description="What the agent calls with from now on. Shown this once.")
    previous_expires_at: UtcDatetime | None = Field(
        description="When the key before this one ends; null if it has ended."
    )


class SigningSecretCreate(Input):
    overlap_seconds: int = Field(
        default=86400,
        ge=0,
        le=MAX_OVERLAP,
        description="How long the present secret signs beside the new one.",
    )


class SigningSecretCreated(Schema):
    secret: str = Field(
        description="What pushes to the webhook are signed with from now on, as Standard Webhooks"
        " has it. Shown this once."
    )
    previous_expires_at: UtcDatetime | None = Field(
        description="Until when they are signed with the secret before this one too."
    )


class PresenceRead(Schema):
    online: bool | None = Field(description="null: not known.")
    last_seen_at: UtcDatetime | None
    connections: int | None = Field(description="Live connections; null: not known.")


class Other(Schema):
    """The other side of a contact or a block."""

    id: UUID
    name: str
    display_name: str


class ContactAsk(Input):
    other: Annotated[Line, Field(min_length=1, max_length=64)] = Field(
        description="The id or the name of a participant."
    )
    note: Annotated[Text, Field(max_length=500)] = ""


class ContactRead(Schema):
    id: UUID
    other: Other
    direction: Literal["asked", "received"]
    state: ContactState
    note: str
    created_at: UtcDatetime
    answered_at: UtcDatetime | None


class BlockCreate(Input):
    other: Annotated[Line, Field(min_length=1, max_length=64)] = Field(
        description="The id or the name of a participant."
    )


class BlockRead(Schema):
    other: Other
    created_at: UtcDatetime


class TransferCreate(Input):
    user_id: UUID = Field(description="Who gets the agent.")


class TransferRead(Schema):
    agent_id: UUID
    to_user_id: UUID
    state: Literal["pending", "done"]


class EnrolmentCreate(Input):
    uses: int = Field(default=1, ge=1, le=10_000, description="How many agents may register.")
    expires_at: FutureTime | None = Field(default=None, description="In 7 days if left out.")


class EnrolmentRead(Schema):
    id: UUID
    uses: int
    uses_left: int
    created_at: UtcDatetime
    expires_at: UtcDatetime


class EnrolmentCreated(EnrolmentRead):
    token: str = Field(
        description="Sent to POST /agents as a bearer token instead of a credential. Shown once."
    )
