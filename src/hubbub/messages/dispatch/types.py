"""What a dispatcher holds, and what goes through a turn. A turn may run in a thread, and more than
once: it changes nothing of what the dispatcher holds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from hubbub.agents.models import SigningSecret
from hubbub.agents.service import signing
from hubbub.agents.service.gateway import gateway_token
from hubbub.agents.types import GatewayKind, Kind
from hubbub.kit.crypto import Safe, SealBrokenError
from hubbub.messages.delivery.types import Outcome, Participant, Push, Target
from hubbub.messages.types import AttemptOutcome, ContentType, Priority, State, delivery_id


def moment(value: Any) -> datetime | None:  # noqa: ANN401 - as a driver gives it
    """A time as PostgreSQL gives it, or the text of SQLite."""
    if isinstance(value, str):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    return value if value is None else value.astimezone(UTC)


def plain(value: Any) -> Any:  # noqa: ANN401 - as a driver gives it
    return orjson.loads(value) if isinstance(value, str) else value


class LaneRow(NamedTuple):
    agent_id: str
    fence: int
    now: Any
    held_until: Any
    failures: int
    failing_since: Any
    paused_at: Any
    pause_reason: str | None
    pause_advice: str | None
    probes: int
    handle: str
    display_name: str
    gateway_kind: str
    gateway_url: str | None
    token: str | None
    session_key: str | None
    ordered: bool
    max_in_flight: int
    retry_ambiguous: bool
    secrets: Any

    @property
    def has_gateway(self) -> bool:
        return self.gateway_url is not None

    @property
    def in_order(self) -> bool:
        return bool(self.ordered) or self.gateway_kind == GatewayKind.OPENCLAW

    def target(self, safe: Safe) -> Target | None:
        """None where a stored secret can't be opened."""
        assert self.gateway_url is not None  # noqa: S101 - or nothing would be wanted
        sealed = bytes.fromhex(self.token) if self.token else None
        secrets = [
            SigningSecret(id=UUID(each[0]), secret=bytes.fromhex(each[1]))
            # the newest first
            for each in sorted(plain(self.secrets) or (), reverse=True)
        ]
        try:
            return Target(
                kind=GatewayKind(self.gateway_kind),
                url=self.gateway_url,
                token=gateway_token(UUID(self.agent_id), sealed, safe),
                session_key=self.session_key,
                signing_secrets=tuple(signing.opened(each, safe) for each in secrets),
                retry_ambiguous=bool(self.retry_ambiguous),
            )
        except SealBrokenError:
            return None


@dataclass(slots=True)
class Standing:
    """How a lane stands, as it is stored."""

    held_until: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    paused_at: datetime | None = None
    pause_reason: str | None = None
    pause_advice: str | None = None
    probes: int = 0

    @classmethod
    def of(cls, row: LaneRow) -> "Standing":
        return cls(
            moment(row.held_until),
            row.failures,
            moment(row.failing_since),
            moment(row.paused_at),
            row.pause_reason,
            row.pause_advice,
            row.probes,
        )


class PushRow(NamedTuple):
    agent_id: str
    rank: int
    seq: int
    message_id: str
    attempts: int
    posting: bool
    state: str | None
    tried: int
    thread_id: str
    reply_to: str | None
    content: str | None
    content_type: str
    metadata: Any
    priority: str
    created_at: Any
    expires_at: Any
    ack_by: Any
    files: Any
    sender_id: str | None
    sender_handle: str
    sender_name: str
    sender_kind: str
    room: str | None

    @property
    def is_stale(self) -> bool:
        return self.state != State.QUEUED or self.content is None or self.sender_id is None


@dataclass(frozen=True, slots=True)
class Ticket:
    """A push that is taken and not recorded yet."""

    agent_id: str
    rank: int
    seq: int
    attempts: int
    begun_before: bool
    """A post of it was begun under a lease that has ended, or may have been."""
    is_probe: bool
    push: Push

    @property
    def key(self) -> tuple[str, int, int]:
        return self.agent_id, self.rank, self.seq


def ticket_of(row: PushRow, lane: LaneRow, target: Target, now: datetime, hub_url: str) -> Ticket:
    message_id, recipient_id = UUID(row.message_id), UUID(row.agent_id)
    created_at = moment(row.created_at)
    # or it would be stale
    assert created_at is not None  # noqa: S101
    assert row.sender_id is not None  # noqa: S101
    assert row.content is not None  # noqa: S101
    push = Push(
        delivery_id=delivery_id(message_id, recipient_id),
        target=target,
        sender=Participant(
            UUID(row.sender_id), row.sender_handle, row.sender_name, Kind(row.sender_kind)
        ),
        recipient=Participant(recipient_id, lane.handle, lane.display_name),
        message_id=message_id,
        thread_id=UUID(row.thread_id),
        seq=row.seq,
        content=row.content,
        created_at=created_at,
        attempted_at=now,
        hub_url=hub_url,
        attempt=row.tried + 1,
        reply_to=UUID(row.reply_to) if row.reply_to else None,
        room=row.room,
        content_type=ContentType(row.content_type),
        priority=Priority(row.priority),
        metadata=plain(row.metadata),
        expires_at=moment(row.expires_at),
        ack_by=moment(row.ack_by),
        files=tuple(plain(row.files) or ()),
    )
    return Ticket(
        row.agent_id,
        row.rank,
        row.seq,
        row.attempts,
        bool(row.posting),
        lane.paused_at is not None,
        push,
    )


@dataclass(frozen=True, slots=True)
class Ended:
    """What has become of a push."""

    ticket: Ticket
    fence: int
    outcome: Outcome
    status: int | None = None
    ms: int | None = None
    excerpt: str | None = None
    note: str | None = None


class Asked(NamedTuple):
    """A lane of ours that a turn looks after."""

    agent_id: str
    fence: int
    flying: frozenset[int]
    """What is being posted still."""
    renews: bool


@dataclass(slots=True)
class Work:
    """A lane in a turn."""

    row: LaneRow
    fence: int
    flying: frozenset[int] = frozenset()
    is_new: bool = False
    renews: bool = False
    standing: Standing = field(init=False)
    before: Standing = field(init=False)
    now: datetime = field(init=False)
    target: Target | None = None
    taken: list[Ticket] = field(default_factory=list)
    is_stale: bool = False
    was_asked: bool = False
    """What is due in it was asked for,"""
    was_seen: bool = False
    """and there was something."""
    due_at: datetime | None = None

    def __post_init__(self) -> None:
        now = moment(self.row.now)
        assert now is not None  # noqa: S101 - the clock
        self.now = now
        self.standing = Standing.of(self.row)
        self.before = Standing.of(self.row)

    @property
    def is_kept(self) -> bool:
        return bool(self.flying or self.taken)

    @property
    def was_paused_now(self) -> bool:
        return self.before.paused_at is None and self.standing.paused_at is not None

    @property
    def was_resumed_now(self) -> bool:
        """Because something got through. A gateway that went away was not."""
        was_paused = self.before.paused_at is not None and self.standing.paused_at is None
        return was_paused and bool(self.row.has_gateway)


class Recorded(NamedTuple):
    ended: Ended
    word: AttemptOutcome
    became: State | None
    """What the delivery is by that; None where it stays what it was."""


@dataclass(frozen=True, slots=True)
class Turned:
    """What a turn came to."""

    works: Sequence[Work]
    recorded: Sequence[Recorded]
    refused: int = 0
    """Outcomes of lanes that somebody else has by now."""
    has_events: bool = False
    more: bool = False
    """Whether another turn has something to do at once."""
