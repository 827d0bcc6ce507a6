"""Finders of jobs. Only admins look; the routes see to that, for nobody else has any job to see."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Select, false, select, true

from hubbub.auth.types import Caller
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.kit.jobs import JobRecord, JobStatus
from hubbub.kit.pagination import Order, PageRequest, paginate

_NEWEST = Order("jobs", JobRecord.id, JobRecord.id, descending=True)


def _visible(caller: Caller) -> ColumnElement[bool]:
    return true() if caller.is_admin else false()


async def find_job(session: AsyncReadSession, caller: Caller, job_id: UUID) -> JobRecord | None:
    statement = select(JobRecord).where(JobRecord.id == job_id, _visible(caller))
    found: JobRecord | None = await session.scalar(statement)
    return found


async def list_jobs(
    session: AsyncReadSession,
    caller: Caller,
    page: PageRequest,
    *,
    status: JobStatus | None,
    name: str | None,
) -> tuple[Sequence[JobRecord], str | None]:
    statement: Select[JobRecord] = select(JobRecord).where(_visible(caller))
    if status is not None:
        statement = statement.where(JobRecord.status == status)
    if name is not None:
        statement = statement.where(JobRecord.name == name)
    return await paginate(session, statement, _NEWEST, page)
