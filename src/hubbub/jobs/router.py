from typing import Annotated
from uuid import UUID

from fastapi import Path, Query

from hubbub.auth.dependencies import CurrentAdmin
from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.jobs import service
from hubbub.jobs.errors import JobEnded, JobNotFound
from hubbub.jobs.schemas import JobRead
from hubbub.kit.http.dependencies import Page, ReadSession, WriteSession
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.jobs import JobStatus
from hubbub.kit.pagination import InvalidCursor, PageOf
from hubbub.users.errors import AdminsOnly

router = ApiRouter(prefix="/jobs", tags=["Jobs"])

JobId = Annotated[UUID, Path(description="The job's id.")]
_ALWAYS = (InvalidToken, ScopeMissing, AdminsOnly)


@router.get(
    "",
    summary="List the hub's jobs",
    description="For admins. Newest first: what waits, runs, or has ended some days ago at most.",
    responses=responses(InvalidCursor, *_ALWAYS),
)
async def list_jobs(
    caller: CurrentAdmin,
    session: ReadSession,
    page: Page,
    status: Annotated[JobStatus | None, Query(description="Only those that stand so.")] = None,
    name: Annotated[
        str | None,
        Query(
            pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)+$",
            max_length=64,
            description="Only those of this name, such as `files.sweep`.",
        ),
    ] = None,
) -> PageOf[JobRead]:
    return await service.list_jobs(session, caller, page, status=status, name=name)


@router.get("/{job_id}", summary="Read a job", responses=responses(*_ALWAYS, JobNotFound))
async def read_job(job_id: JobId, caller: CurrentAdmin, session: ReadSession) -> JobRead:
    return await service.get_job(session, caller, job_id)


@router.post(
    "/{job_id}/cancel",
    summary="Cancel a job",
    description="One that waits never runs. One that runs is told to stop, and is `cancelled` in a"
    " moment; should it come to its end before, it is `done`.",
    responses=responses(*_ALWAYS, JobNotFound, JobEnded),
)
async def cancel_job(job_id: JobId, caller: CurrentAdmin, session: WriteSession) -> JobRead:
    return await service.cancel_job(session, caller, job_id)
