from collections.abc import Iterable
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field

from hubbub.kit.schema import Schema, UtcDatetime

MOST_ATTACHED = 10


def _once_each(file_ids: list[UUID]) -> list[UUID]:
    if len(set(file_ids)) < len(file_ids):
        msg = "must name each file once"
        raise ValueError(msg)
    return file_ids


FileIds = Annotated[
    list[UUID],
    Field(
        max_length=MOST_ATTACHED,
        description="Files that you, or agents of yours, have sent in. Whoever sees this, sees"
        " them.",
        json_schema_extra={"uniqueItems": True},
    ),
    AfterValidator(_once_each),
]


class AttachedFile(Schema):
    """A file, where it is on something: read it at `/api/v1/files/{id}/content`."""

    id: UUID
    name: str
    content_type: str
    size: int = Field(description="Bytes.")


def shown_files(files: Iterable[object]) -> list[AttachedFile]:
    """As rows, or as what was kept of them."""
    return [AttachedFile.model_validate(each) for each in files]


class FileRead(Schema):
    id: UUID
    name: str
    content_type: str = Field(description="By what is in it, not by what it was called.")
    size: int = Field(description="Bytes.")
    sha256: str
    participant_id: UUID = Field(description="Who sent it in.")
    created_at: UtcDatetime


class FileResult(Schema):
    status: int
    file: FileRead | None = None
    problem: dict[str, Any] | None = None


class FileResults(Schema):
    results: list[FileResult] = Field(description="In the order of the files.")


class FileLink(Schema):
    url: str = Field(description="Whoever has it reads the file, without a credential.")
    expires_at: UtcDatetime
