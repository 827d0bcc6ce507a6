"""Who holds a job, and what becomes of it: every statement compares the fence or the lease."""

import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, null, or_, select, update

from hubbub.kit.db.dialect import claim, db_now
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.jobs.models import JobRecord, JobStatus
from hubbub.kit.jobs.progress import MOVED

CANCELLING = "jobs.cancelling"
"""Rings where a wish to cancel was committed."""

_FIRST_RETRY = 5.0
_LONGEST_RETRY = 3600.0


def _is_due() -> tuple[ColumnElement[bool], ...]:
    return JobRecord.status == JobStatus.QUEUED, JobRecord.run_at <= db_now()


def _is_abandoned() -> tuple[ColumnElement[bool], ...]:
    return JobRecord.status == JobStatus.RUNNING, JobRecord.lease_until <= db_now()


async def is_anything_due(session: AsyncReadSession, names: Sequence[str]) -> bool:
    known = JobRecord.name.in_(names)
    for state in (_is_due(), _is_abandoned()):
        if await session.scalar(select(JobRecord.id).where(*state, known).limit(1)) is not None:
            return True
    return False


async def newest_due(session: AsyncReadSession, limit: int) -> list[UUID]:
    statement = (
        select(JobRecord.id).where(*_is_due()).order_by(JobRecord.run_at.desc()).limit(limit)
    )
    return list(await session.scalars(statement))


async def claim_due(
    session: AsyncWriteSession, names: Sequence[str], *, lease: float, limit: int
) -> list[JobRecord]:
    """Up to `limit` jobs that nobody holds, those waiting longest first."""
    found: list[JobRecord] = []
    # one statement each: together no index would give them in order
    for state, oldest in (
        (_is_abandoned(), JobRecord.lease_until),
        (_is_due(), JobRecord.run_at),
    ):
        if len(found) < limit:
            found += await claim(
                session,
                JobRecord,
                where=[*state, JobRecord.name.in_(names)],
                order_by=[oldest],
                limit=limit - len(found),
                values=_taken(lease),
            )
    return found


async def claim_one(
    session: AsyncWriteSession, job_id: UUID, names: Sequence[str], *, lease: float
) -> JobRecord | None:
    statement = (
        update(JobRecord)
        .where(
            JobRecord.id == job_id,
            or_(and_(*_is_due()), and_(*_is_abandoned())),
            JobRecord.name.in_(names),
        )
        .values(_taken(lease))
        .returning(JobRecord)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    found: JobRecord | None = await session.scalar(statement)
    return found


def _taken(lease: float) -> dict[str, Any]:
    return {
        "status": JobStatus.RUNNING,
        "lease_until": db_now(lease),
        "fence": JobRecord.fence + 1,
        "attempts": JobRecord.attempts + 1,
        "started_at": db_now(),
        "step": None,
        "percent": None,
        "message": None,
    }


async def release_all(session: AsyncWriteSession) -> None:
    """For the only process there is: what ran when the last one ended runs no more."""
    await session.execute(
        update(JobRecord)
        .where(JobRecord.status == JobStatus.RUNNING)
        .values(lease_until=db_now())
        .execution_options(synchronize_session=False)
    )


async def ask_to_cancel(session: AsyncWriteSession, job_id: UUID) -> JobRecord | None:
    """One that waits is cancelled at once, one that runs is asked to end. None: it has ended, or
    there is none."""
    waits = JobRecord.status == JobStatus.QUEUED
    statement = (
        update(JobRecord)
        .where(JobRecord.id == job_id, JobRecord.status.in_([JobStatus.QUEUED, JobStatus.RUNNING]))
        .values(
            cancel_at=func.coalesce(JobRecord.cancel_at, db_now()),
            status=case((waits, JobStatus.CANCELLED), else_=JobRecord.status),
            finished_at=case((waits, db_now()), else_=null()),
        )
        .returning(JobRecord)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    session.signal(CANCELLING)
    session.tell(MOVED, str(job_id))
    found: JobRecord | None = await session.scalar(statement)
    return found


async def to_cancel(session: AsyncReadSession, job_ids: Sequence[UUID]) -> Sequence[UUID]:
    """Those of them that somebody wishes to end."""
    wished = JobRecord.id.in_(job_ids), JobRecord.cancel_at.is_not(None)
    return (await session.scalars(select(JobRecord.id).where(*wished))).all()


async def renew(
    session: AsyncWriteSession, held: JobRecord, *, lease: float, **progress: object
) -> bool:
    return await _change(session, held, {"lease_until": db_now(lease)} | progress)


async def finish(session: AsyncWriteSession, held: JobRecord, **progress: object) -> bool:
    return await _change(session, held, _ended(JobStatus.DONE, None) | progress)


async def cancel(session: AsyncWriteSession, held: JobRecord, **progress: object) -> bool:
    return await _change(session, held, _ended(JobStatus.CANCELLED, None) | progress)


async def fail(session: AsyncWriteSession, held: JobRecord, error: str, **progress: object) -> bool:
    return await _change(session, held, _ended(JobStatus.FAILED, error) | progress)


async def retry(
    session: AsyncWriteSession, held: JobRecord, error: str, **progress: object
) -> bool:
    wait = retry_after(held.attempts)
    return await _change(session, held, _queued(wait) | {"error": error} | progress)


async def give_back(session: AsyncWriteSession, held: JobRecord, **progress: object) -> bool:
    """As if it had not been taken: being interrupted is no failure of the job."""
    values = _queued(0) | {"attempts": JobRecord.attempts - 1} | progress
    return await _change(session, held, values)


def retry_after(attempts: int) -> float:
    """5 s, 10 s, 20 s … up to an hour, each a quarter more or less so that crowds come apart."""
    wait = min(_FIRST_RETRY * 2.0 ** min(attempts - 1, 20), _LONGEST_RETRY)
    return wait * random.uniform(0.75, 1.25)  # noqa: S311 - not a secret


def _ended(status: JobStatus, error: str | None) -> dict[str, Any]:
    return {"status": status, "lease_until": None, "finished_at": db_now(), "error": error}


def _queued(wait: float) -> dict[str, Any]:
    """Unless it was to end: then it doesn't come again."""
    wished = JobRecord.cancel_at.is_not(None)
    return {
        "status": case((wished, JobStatus.CANCELLED), else_=JobStatus.QUEUED),
        "finished_at": case((wished, db_now()), else_=null()),
        "lease_until": None,
        "run_at": db_now(wait),
    }


async def _change(session: AsyncWriteSession, held: JobRecord, values: dict[str, Any]) -> bool:
    """False when somebody else holds the job by now, and nothing was changed."""
    statement = (
        update(JobRecord)
        .where(
            JobRecord.id == held.id,
            JobRecord.fence == held.fence,
            JobRecord.status == JobStatus.RUNNING,
        )
        .values(values)
        .returning(JobRecord.id)
        .execution_options(synchronize_session=False)
    )
    return await session.scalar(statement) is not None
