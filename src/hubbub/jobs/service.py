from uuid import UUID

from hubbub.activity.service import record
from hubbub.auth.types import Caller
from hubbub.jobs import queries
from hubbub.jobs.errors import JobEnded, JobNotFound
from hubbub.jobs.schemas import JobRead, ProgressRead
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.jobs import JobRecord, JobStatus, ask_to_cancel
from hubbub.kit.pagination import PageOf, PageRequest


def shown(job: JobRecord) -> JobRead:
    return JobRead(
        id=job.id,
        name=job.name,
        status=job.status,
        cancelling=job.status == JobStatus.RUNNING and job.cancel_at is not None,
        progress=ProgressRead.model_validate(job),
        attempts=job.attempts,
        max_attempts=job.max_attempts,
        error=job.error,
        run_at=job.run_at,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )


async def list_jobs(
    session: AsyncReadSession,
    caller: Caller,
    page: PageRequest,
    *,
    status: JobStatus | None,
    name: str | None,
) -> PageOf[JobRead]:
    rows, cursor = await queries.list_jobs(session, caller, page, status=status, name=name)
    return PageOf(items=[shown(row) for row in rows], next_cursor=cursor)


async def get_job(session: AsyncReadSession, caller: Caller, job_id: UUID) -> JobRead:
    job = await queries.find_job(session, caller, job_id)
    if job is None:
        raise JobNotFound
    return shown(job)


async def cancel_job(session: AsyncWriteSession, caller: Caller, job_id: UUID) -> JobRead:
    if await queries.find_job(session, caller, job_id) is None:
        raise JobNotFound
    job = await ask_to_cancel(session, job_id)
    if job is None:
        raise JobEnded
    record(
        session,
        "job.cancelled",
        actor_id=caller.user_id,
        target_kind="job",
        target_id=job.id,
        name=job.name,
    )
    return shown(job)
