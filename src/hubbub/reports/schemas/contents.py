"""What is in a report: what is downloaded as JSON, and what the PDF is drawn from."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel

from hubbub.agents.types import GatewayKind
from hubbub.items.types import Status as ItemStatus
from hubbub.kit.schema import UtcDatetime
from hubbub.messages.types import State
from hubbub.reports.types import Span, Subject


class Traffic(BaseModel):
    messages: int = 0
    senders: int = 0
    threads: int = 0
    rooms: int = 0
    deliveries: int = 0
    recipients: int = 0


class DayOfTraffic(BaseModel):
    day: date
    messages: int = 0
    deliveries: int = 0


class AgentTraffic(BaseModel):
    agent: str
    sent: int
    received: int


class Pair(BaseModel):
    sender: str
    recipient: str
    messages: int


class ThreadTraffic(BaseModel):
    thread_id: UUID
    messages: int
    senders: int


class RoomTraffic(BaseModel):
    room: str
    messages: int
    senders: int


class Activity(BaseModel):
    totals: Traffic
    days: list[DayOfTraffic]
    agents: list[AgentTraffic]
    pairs: list[Pair]
    threads: list[ThreadTraffic]
    rooms: list[RoomTraffic]


class Seconds(BaseModel):
    """How long something took; null where there was nothing."""

    count: int
    p50: float | None
    p90: float | None
    p99: float | None


class DayOfDeliveries(BaseModel):
    day: date
    arrived: int = 0
    failed: int = 0
    others: int = 0


class Tries(BaseModel):
    pushes: int
    deliveries: int


class Reason(BaseModel):
    reason: str
    deliveries: int


class GatewayFailures(BaseModel):
    agent: str
    gateway: GatewayKind
    pushes: int
    failed: int


class Deliveries(BaseModel):
    total: int
    success_rate: float | None
    """Of those that have come to an end; null where none has."""
    states: dict[State, int]
    days: list[DayOfDeliveries]
    until_delivered: Seconds
    until_acked: Seconds
    tries: list[Tries]
    reasons: list[Reason]
    gateways: list[GatewayFailures]


class DayOfWork(BaseModel):
    day: date
    created: int = 0
    done: int = 0
    failed: int = 0


class AssigneeWork(BaseModel):
    agent: str
    done: int
    failed: int
    unfinished: int


class Work(BaseModel):
    created: int
    finished: dict[ItemStatus, int]
    unfinished: int
    """Of those that were made in this time."""
    days: list[DayOfWork]
    until_claimed: Seconds
    until_done: Seconds
    from_claim_to_done: Seconds
    assignees: list[AssigneeWork]


class Content(BaseModel):
    report_id: UUID
    kind: Subject
    span: Span
    hub: str
    made_for: str
    since: UtcDatetime
    until: UtcDatetime
    generated_at: UtcDatetime
    activity: Activity | None = None
    delivery: Deliveries | None = None
    work: Work | None = None
