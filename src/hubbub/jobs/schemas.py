from uuid import UUID

from pydantic import Field

from hubbub.kit.jobs import JobStatus
from hubbub.kit.schema import Schema, UtcDatetime


class ProgressRead(Schema):
    """How far a running job is."""

    step: str | None = Field(description="What it is at.")
    percent: int | None = Field(description="Of the whole, 0 to 100.")
    message: str | None


class JobRead(Schema):
    """Never what the job was given: that may name people."""

    id: UUID
    name: str
    status: JobStatus
    cancelling: bool = Field(description="Somebody wishes that it ends, and it has not yet.")
    progress: ProgressRead
    attempts: int
    max_attempts: int
    error: str | None = Field(description="The kind of the last failure.")
    run_at: UtcDatetime = Field(description="Due then, or to be tried again.")
    created_at: UtcDatetime
    started_at: UtcDatetime | None
    finished_at: UtcDatetime | None
