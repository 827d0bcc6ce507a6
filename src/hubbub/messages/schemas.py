import re
from typing import Annotated, Any, Self
from uuid import UUID

import orjson
from pydantic import AfterValidator, Field, GetJsonSchemaHandler, computed_field, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from hubbub.agents.types import GatewayKind
from hubbub.files.schemas import AttachedFile, FileIds
from hubbub.kit.schema import Input, JsonObject, Line, Schema, Text, UtcDatetime
from hubbub.messages.types import (
    AttemptOutcome,
    ContentType,
    Finding,
    Priority,
    State,
    delivery_id,
)

MAX_METADATA_BYTES = 16 * 1024
MAX_RECIPIENTS = 1000
MAX_BATCH = 1000
AGENT, ROOM, EVERYONE = "agent:", "room:", "everyone"
_ADDRESS = re.compile(r"everyone|(?:agent|room):[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_CURSOR = re.compile(r"(?:([0-9a-z]{1,16}):)?([0-9]{1,18})")


def is_address(value: str) -> bool:
    return _ADDRESS.fullmatch(value) is not None


def _checked_address(value: str) -> str:
    if not is_address(value):
        msg = "must be agent:NAME, room:NAME or everyone"
        raise ValueError(msg)
    return value


def _is_small(value: dict[str, object]) -> dict[str, object]:
    if len(orjson.dumps(value)) > MAX_METADATA_BYTES:
        msg = f"must be at most {MAX_METADATA_BYTES} bytes of JSON"
        raise ValueError(msg)
    return value


def _is_cursor(value: str) -> str:
    if not _CURSOR.fullmatch(value):
        msg = "must be EPOCH:SEQ or SEQ"
        raise ValueError(msg)
    return value


Address = Annotated[str, AfterValidator(_checked_address)]
Metadata = Annotated[JsonObject, AfterValidator(_is_small)]
Cursor = Annotated[str, Field(max_length=40), AfterValidator(_is_cursor)]


def parse_cursor(cursor: str) -> tuple[str | None, int]:
    """The epoch, if one is named, and the number."""
    found = _CURSOR.fullmatch(cursor)
    assert found is not None  # noqa: S101 - validated on its way in
    return found[1], int(found[2])


class MessageSend(Input):
    from_agent_id: UUID | None = Field(
        default=None, description="Who speaks; users may name any agent of their own."
    )
    to_agent_id: UUID | None = Field(default=None, description="One recipient by id, or `to`.")
    to: Annotated[list[Address], Field(min_length=1, max_length=MAX_RECIPIENTS)] | None = Field(
        default=None,
        description="`agent:NAME`, one `room:NAME`, or `everyone` alone; all of them get it, or"
        " nobody.",
    )
    content: Annotated[Text, Field(min_length=1)]
    content_type: ContentType = ContentType.TEXT
    reply_to: UUID | None = None
    file_ids: FileIds | None = None
    metadata: Metadata | None = None
    priority: Priority = Priority.NORMAL
    deliver_at: UtcDatetime | None = Field(
        default=None, description="Kept back until then; at most so far ahead as a setting says."
    )
    expires_at: UtcDatetime | None = None
    ack_by: UtcDatetime | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.to is None) is (self.to_agent_id is None):
            msg = "give either to_agent_id or to"
            raise ValueError(msg)
        if self.to is not None and len(self.to) > 1:
            if EVERYONE in self.to:
                msg = "everyone is everyone: name nobody beside"
                raise ValueError(msg)
            if sum(each.startswith(ROOM) for each in self.to) > 1:
                msg = "a message is said in one room"
                raise ValueError(msg)
        if self.content_type is ContentType.JSON:
            try:
                orjson.loads(self.content)
            except orjson.JSONDecodeError as error:
                msg = "content must be JSON, as its content_type says"
                raise ValueError(msg) from error
        return self


class MessageRow(MessageSend):
    """One of many."""

    idempotency_key: str | None = Field(
        default=None, description="As the header of a single one; of the sender, not of the batch."
    )


class _Rows:
    """Shows in the document what the rows have to be. They are validated one by one."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        shown = handler(schema)
        shown["items"] = handler(MessageRow.__pydantic_core_schema__)
        return shown


class MessageBatch(Input):
    messages: Annotated[
        list[dict[str, Any]], Field(min_length=1, max_length=MAX_BATCH), _Rows()
    ] = Field(description="Each as `POST /messages` takes it, and with an `idempotency_key`.")


class DeliveryRead(Schema):
    message_id: UUID
    agent_id: UUID = Field(description="The recipient.")
    seq: int
    state: State
    created_at: UtcDatetime
    delivered_at: UtcDatetime | None
    read_at: UtcDatetime | None
    acked_at: UtcDatetime | None
    reason: str | None = Field(default=None, description="Why it failed.")
    attempts: int | None = Field(
        default=None, description="How often it was pushed; as those below, for the owner alone."
    )
    next_attempt_at: UtcDatetime | None = None
    blocked_reason: str | None = Field(
        default=None, description="Why the recipient's gateway is paused."
    )

    @computed_field(description="Names the delivery; opaque.")
    def id(self) -> str:
        return delivery_id(self.message_id, self.agent_id)


class AttemptRead(Schema):
    number: int
    at: UtcDatetime
    outcome: AttemptOutcome
    reason: str | None
    status: int | None = Field(description="What the gateway answered; null if it didn't.")
    ms: int | None
    answer: str | None = Field(
        validation_alias="excerpt", description="How a refusal began, without secrets."
    )


class Since(Input):
    since: UtcDatetime = Field(description="Deliveries made then or later.")


class Replayed(Schema):
    replayed: int
    more: bool = Field(description="Whether there are further ones: ask again.")


class GatewayStatus(Schema):
    gateway_kind: GatewayKind
    paused: bool
    reason: str | None
    advice: str | None = Field(description="What the owner has to change.")
    paused_at: UtcDatetime | None
    failing_since: UtcDatetime | None
    failures: int = Field(description="In a row.")
    next_attempt_at: UtcDatetime | None
    waiting: int = Field(description="Deliveries that are still to be pushed.")


class OverdueDelivery(DeliveryRead):
    from_agent_id: UUID
    ack_by: UtcDatetime


class Spread(Schema):
    """How far a message has come that goes to everyone, or that was to be delivered later."""

    done: bool
    reached: int
    skipped: int = Field(
        description="Those who take nothing from the sender by then, or are deleted."
    )


class MessageRead(Schema):
    id: UUID
    from_agent_id: UUID
    from_name: str
    to_agent_id: UUID | None = Field(description="The recipient, where there is one alone.")
    to: list[str]
    content: str
    content_type: ContentType
    thread_id: UUID
    room_id: UUID | None
    reply_to: UUID | None
    files: list[AttachedFile]
    metadata: dict[str, object] | None
    priority: Priority
    delivered: bool = Field(description="Whether every recipient has it.")
    spread: Spread | None = Field(description="Of a message to everyone, or with `deliver_at`.")
    created_at: UtcDatetime
    deliver_at: UtcDatetime | None
    expires_at: UtcDatetime | None
    ack_by: UtcDatetime | None
    withdrawn_at: UtcDatetime | None


class SentRow(Schema):
    status: int = Field(description="What a request with this message alone would be answered.")
    message: MessageRead | None = None
    replayed: bool | None = None
    problem: dict[str, Any] | None = None


class BatchResult(Schema):
    results: list[SentRow] = Field(description="In the order of the rows.")


class ListedMessage(MessageRead):
    snippet: str | None = Field(
        default=None,
        description="With `q`: HTML with the words around the first that matches, and"
        " `<mark>` around each that does.",
    )


class MessagePage(Schema):
    items: list[ListedMessage]
    next_cursor: str | None = None
    indexed_until: UtcDatetime | None = Field(
        default=None,
        description="With `q`: messages from this time on may not be found by their words yet."
        " Null when all are.",
    )


class MessageMetadata(Schema):
    """A message as an admin sees it who is none of its participants."""

    id: UUID
    from_agent_id: UUID
    from_name: str
    to: list[str]
    thread_id: UUID
    reply_to: UUID | None
    content_type: ContentType
    size: int = Field(description="Bytes of content.")
    metadata_size: int = Field(description="Bytes of metadata.")
    priority: Priority
    states: dict[State, int] = Field(description="How many deliveries stand how.")
    created_at: UtcDatetime
    expires_at: UtcDatetime | None
    ack_by: UtcDatetime | None
    withdrawn_at: UtcDatetime | None


class Reveal(Input):
    reason: Annotated[Line, Field(min_length=1, max_length=500)]


class MessageHeaders(Schema):
    """What an inbox shows without bodies."""

    id: UUID
    from_agent_id: UUID
    from_name: str
    thread_id: UUID
    room_id: UUID | None
    priority: Priority
    created_at: UtcDatetime
    content_type: ContentType
    size: int


class InboxMessage(MessageHeaders):
    content: str
    files: list[AttachedFile]
    reply_to: UUID | None
    metadata: dict[str, object] | None
    expires_at: UtcDatetime | None
    ack_by: UtcDatetime | None


class InboxEntry(Schema):
    seq: int
    state: State
    read_at: UtcDatetime | None
    acked_at: UtcDatetime | None
    message: InboxMessage | MessageHeaders | None = Field(
        description="Null for one that expired or was withdrawn: only its place is left."
    )


class InboxPage(Schema):
    epoch: str
    first_seq: int
    last_seq: int
    items: list[InboxEntry]
    next_cursor: str = Field(description="Where the next call goes on; also when nothing came.")


class RoomEntry(Schema):
    seq: int
    message: InboxMessage | None = Field(
        description="Null for one that expired or was withdrawn: only its place is left."
    )


class RoomPage(Schema):
    epoch: str
    first_seq: int = Field(description="The first one that you may read.")
    last_seq: int
    items: list[RoomEntry] = Field(description="In the room's order, whichever way one pages.")
    next_cursor: str = Field(description="For `after`, also when nothing came.")
    previous_cursor: str | None = Field(description="For `before`; null at the beginning.")


class InboxCount(Schema):
    total: int
    unread: int
    open: int = Field(description="Neither acknowledged nor otherwise final.")
    last_seq: int


class Mark(Input):
    """Entries by the ids of their messages, or all up to a number."""

    ids: Annotated[list[UUID], Field(min_length=1, max_length=1000)] | None = None
    up_to: Annotated[int, Field(ge=1, lt=2**63)] | None = None

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if (self.ids is None) is (self.up_to is None):
            msg = "give either ids or up_to"
            raise ValueError(msg)
        return self


class Marked(Schema):
    marked: int = Field(description="How many changed; those that were so already don't count.")


class GatewayTestRead(Schema):
    ok: bool = Field(description="Whether a push would get through.")
    diagnosis: Finding
    advice: str | None = Field(description="What the owner has to change.")
    status: int | None = Field(description="What the gateway answered; null if it didn't.")
    latency_ms: int | None
    answer: str | None = Field(description="How the gateway's answer begins, without secrets.")
