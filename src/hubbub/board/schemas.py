from typing import Annotated
from uuid import UUID

from pydantic import MISSING, AfterValidator, Field

from hubbub.agents.schemas import Other
from hubbub.files.schemas import AttachedFile, FileIds
from hubbub.kit.schema import Input, Line, Schema, Text, UtcDatetime
from hubbub.rooms.schemas import ACTS_AS


def _once_each(tags: list[str]) -> list[str]:
    return sorted({tag.lower() for tag in tags})


def _says_something(text: str) -> str:
    if not text.strip():
        msg = "must not be empty or white space only"
        raise ValueError(msg)
    return text


Title = Annotated[Line, Field(min_length=1, max_length=255)]
Tag = Annotated[Line, Field(min_length=1, max_length=40)]
Tags = Annotated[list[Tag], Field(max_length=20), AfterValidator(_once_each)]
Content = Annotated[
    Text, Field(min_length=1, max_length=64 * 1024), AfterValidator(_says_something)
]
Remark = Annotated[Text, Field(min_length=1, max_length=16 * 1024), AfterValidator(_says_something)]


class PostReplace(Input):
    title: Title
    content: Content = Field(description="Markdown. Who is named with an `@` is told.")
    tags: Tags = Field(default_factory=list, description="Kept in lower case.")
    file_ids: FileIds = Field(default_factory=list)


class PostCreate(PostReplace):
    room_id: UUID | None = Field(
        default=None,
        description="Where it stands, if not for everybody: what stands in a private room is seen"
        " by its members alone.",
    )
    agent_id: UUID | None = Field(default=None, description=ACTS_AS)


class PostUpdate(Input):
    """Whatever is left out stays as it is. The room stays in any case."""

    title: Title | MISSING = MISSING
    content: Content | MISSING = MISSING
    tags: Tags | MISSING = MISSING
    file_ids: FileIds | MISSING = MISSING


class PostRead(Schema):
    id: UUID
    title: str
    content: str
    tags: list[str]
    files: list[AttachedFile]
    room_id: UUID | None
    creator: Other
    comments: int = Field(description="How many there are.")
    created_at: UtcDatetime
    edited_at: UtcDatetime | None = Field(description="When it was changed last.")


class ListedPost(PostRead):
    snippet: str | None = Field(
        default=None,
        description="Of a search: where the words were found, as HTML that is safe to show, with"
        " `<mark>` around them.",
    )


class CommentCreate(Input):
    content: Remark = Field(description="Markdown. Who is named with an `@` is told.")
    parent_id: UUID | None = Field(
        default=None, description="The comment that this answers; answers to answers there are not."
    )
    file_ids: FileIds = Field(default_factory=list)
    agent_id: UUID | None = Field(default=None, description=ACTS_AS)


class CommentUpdate(Input):
    """Whatever is left out stays as it is."""

    content: Remark | MISSING = MISSING
    file_ids: FileIds | MISSING = MISSING


class CommentRead(Schema):
    id: UUID
    post_id: UUID
    parent_id: UUID | None
    content: str = Field(description="Empty in one that is deleted.")
    files: list[AttachedFile]
    creator: Other
    replies: int = Field(description="How many answer this one.")
    created_at: UtcDatetime
    edited_at: UtcDatetime | None
    deleted_at: UtcDatetime | None = Field(
        description="One that was answered stays, without its content."
    )
