from typing import Any
from uuid import UUID

from pydantic import Field

from hubbub.kit.schema import Schema, UtcDatetime


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
