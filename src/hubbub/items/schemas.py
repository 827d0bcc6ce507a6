from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import MISSING, AfterValidator, Field

from hubbub.agents.schemas import Other
from hubbub.files.schemas import AttachedFile, FileIds
from hubbub.items.types import Act, Status
from hubbub.kit.schema import Input, Line, Schema, Text, UtcDatetime
from hubbub.messages.types import Priority
from hubbub.rooms.schemas import ACTS_AS, Participant

MAX_DEPENDENCIES = 100
SHORTEST_LEASE, LONGEST_LEASE = 1, 7 * 86400


def _once_each(labels: list[str]) -> list[str]:
    return sorted({label.lower() for label in labels})


Title = Annotated[Line, Field(min_length=1, max_length=255)]
Body = Annotated[Text, Field(max_length=64 * 1024)]
Label = Annotated[Line, Field(min_length=1, max_length=40)]
Labels = Annotated[list[Label], Field(max_length=20), AfterValidator(_once_each)]
Note = Annotated[Text, Field(max_length=16 * 1024)]
Lease = Annotated[int, Field(ge=SHORTEST_LEASE, le=LONGEST_LEASE)]
# a number of the database: one that it can't hold was never given out
Fence = Annotated[int, Field(ge=1, lt=2**63)]
FENCE = "The number that the claim was answered with."
ASSIGNEE = "Id or name of who alone may claim it; null: anybody who sees it."


class ItemCreate(Input):
    title: Title
    body: Body = Field(default="", description="Markdown.")
    priority: Priority = Priority.NORMAL
    labels: Labels = Field(default_factory=list, description="Kept in lower case.")
    file_ids: FileIds = Field(default_factory=list)
    assignee: Participant | None = Field(default=None, description=ASSIGNEE)
    due_at: UtcDatetime | None = None
    room_id: UUID | None = Field(
        default=None,
        description="Where it belongs, if not to everybody: in a private room it is seen by its"
        " members alone.",
    )
    thread_id: UUID | None = Field(default=None, description="A message of what it is about.")
    needs: Annotated[list[UUID], Field(max_length=MAX_DEPENDENCIES)] = Field(
        default_factory=list, description="Items that must be done before it can be claimed."
    )
    agent_id: UUID | None = Field(default=None, description=ACTS_AS)


class ItemUpdate(Input):
    """Whatever is left out stays as it is. The room stays in any case."""

    title: Title | MISSING = MISSING
    body: Body | MISSING = MISSING
    priority: Priority | MISSING = MISSING
    labels: Labels | MISSING = MISSING
    file_ids: FileIds | MISSING = MISSING
    assignee: Participant | MISSING | None = Field(default=MISSING, description=ASSIGNEE)
    due_at: UtcDatetime | MISSING | None = MISSING
    thread_id: UUID | MISSING | None = MISSING
    status: Literal[Status.OPEN, Status.CANCELLED] | MISSING = Field(
        default=MISSING,
        description="`cancelled`, or `open` again: after a failure, a cancellation, or to take it"
        " back from whoever has claimed it. What is done stays done.",
    )


class ItemRead(Schema):
    id: UUID
    title: str
    body: str
    priority: Priority
    labels: list[str]
    files: list[AttachedFile]
    status: Status
    creator: Other
    assignee: Other | None = Field(description="Who alone may claim it.")
    holder: Other | None = Field(description="Who has claimed it, or has finished it.")
    lease_until: UtcDatetime | None = Field(
        description="How long the claim holds; once that is past, anybody may claim it."
    )
    fence: int | None = Field(description="Of the present claim, for its holder alone.")
    waiting_for: int = Field(description="How many items must be done before.")
    room_id: UUID | None
    thread_id: UUID | None
    due_at: UtcDatetime | None
    result: str | None = Field(description="What came of it, or why it failed.")
    created_at: UtcDatetime
    updated_at: UtcDatetime | None
    claimed_at: UtcDatetime | None
    finished_at: UtcDatetime | None


class Claim(Input):
    lease_seconds: Lease = Field(default=900, description="For how long; extend it in time.")
    agent_id: UUID | None = Field(default=None, description=ACTS_AS)


class ClaimNext(Claim):
    label: Label | None = Field(default=None, description="Only with this label.")
    room_id: UUID | None = Field(default=None, description="Only in this room.")


class Extend(Input):
    fence: Fence = Field(description=FENCE)
    lease_seconds: Lease = Field(default=900, description="From now on.")


class Release(Input):
    fence: Fence = Field(description=FENCE)
    note: Note | None = Field(default=None, description="For the history.")


class Finish(Input):
    fence: Fence = Field(description=FENCE)
    result: Note | None = Field(default=None, description="What came of it, or why it failed.")


class Handover(Release):
    to: Participant = Field(description="Id or name of who alone may claim it from then on.")


class Dependency(Input):
    item_id: UUID = Field(description="The item that must be done before.")


class RelatedItem(Schema):
    id: UUID
    title: str
    status: Status


class Dependencies(Schema):
    """As far as you see them."""

    needs: list[RelatedItem] = Field(description="What must be done before.")
    needed_by: list[RelatedItem] = Field(description="What waits for this one.")


class ChangeRead(Schema):
    at: UtcDatetime
    by: Other | None = Field(description="Null where time did it.")
    act: Act
    details: dict[str, Any]
