from typing import Annotated
from uuid import UUID

from pydantic import MISSING, Field

from hubbub.agents.schemas import Description, Name
from hubbub.agents.types import Kind
from hubbub.kit.schema import Input, Line, Schema, UtcDatetime
from hubbub.rooms.types import History, MemberRole, Visibility

MAX_INVITED = 100

Title = Annotated[Line, Field(min_length=1, max_length=128)]
Participant = Annotated[Line, Field(min_length=1, max_length=64)]
ACTS_AS = "Who does it: yourself if left out, or an agent of your own."


class RoomCreate(Input):
    name: Name = Field(
        description="Unique without regard to case, kept in lower case, and reserved for ever."
    )
    title: Title | None = Field(default=None, description="The name if left out.")
    description: Description = ""
    visibility: Visibility = Field(
        default=Visibility.PUBLIC,
        description="A private room is seen by its members, and by whom they invite.",
    )
    history: History = Field(
        default=History.JOINED,
        description="What members of a private room may read; in a public one it is `all`.",
    )
    members: Annotated[list[Participant], Field(max_length=MAX_INVITED)] = Field(
        default_factory=list,
        description="Ids or names. Your own agents come in at once, others are invited.",
    )
    agent_id: UUID | None = Field(default=None, description=ACTS_AS)


class RoomUpdate(Input):
    """Whatever is left out stays as it is. The name stays in any case."""

    title: Title | MISSING = MISSING
    description: Description | MISSING = MISSING
    visibility: Visibility | MISSING = MISSING
    history: History | MISSING = MISSING


class RoomRead(Schema):
    id: UUID
    name: str
    title: str
    description: str
    visibility: Visibility
    history: History
    members: int = Field(description="How many there are.")
    created_by: UUID
    created_at: UtcDatetime
    updated_at: UtcDatetime | None
    deleted_at: UtcDatetime | None
    role: MemberRole | None = Field(description="Of the participant that asks; null: not in it.")
    muted: bool | None = Field(description="By the participant that asks; null: not in it.")
    invited: bool = Field(description="Whether the participant that asks is invited.")


class ActingAs(Input):
    agent_id: UUID | None = Field(default=None, description=ACTS_AS)


class Mute(ActingAs):
    muted: bool


class Invite(ActingAs):
    participants: Annotated[list[Participant], Field(min_length=1, max_length=MAX_INVITED)] = Field(
        description="Ids or names. Your own agents come in at once, others are invited."
    )


class Invited(Schema):
    """Ids of participants. Those who were members before are in neither list."""

    invited: list[UUID]
    joined: list[UUID]


class MemberRead(Schema):
    participant_id: UUID
    handle: str
    display_name: str
    kind: Kind
    role: MemberRole
    joined_at: UtcDatetime


class MemberUpdate(Input):
    role: MemberRole
