"""Who holds a job, and what becomes of it: every statement compares the fence or the lease."""

import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, update

from hubbub.kit.db.dialect import claim, db_now
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.jobs.models import JobRecord, JobStatus

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
    }


async def release_all(session: AsyncWriteSession) -> None:
    """For the only process there is: what ran when the last one ended runs no more."""
    await session.execute(
        update(JobRecord)
        .where(JobRecord.status == JobStatus.RUNNING)
        .values(lease_until=db_now())
        .execution_options(synchronize_session=False)
    )


async def renew(session: AsyncWriteSession, held: JobRecord, *, lease: float) -> bool:
    return await _change(session, held, {"lease_until": db_now(lease)})


async def finish(session: AsyncWriteSession, held: JobRecord) -> bool:
    return await _change(session, held, _ended(JobStatus.DONE, None))


async def fail(session: AsyncWriteSession, held: JobRecord, error: str) -> bool:
    return await _change(session, held, _ended(JobStatus.FAILED, error))


async def retry(session: AsyncWriteSession, held: JobRecord, error: str) -> bool:
    wait = retry_after(held.attempts)
    return await _change(session, held, _queued(wait) | {"error": error})


async def give_back(session: AsyncWriteSession, held: JobRecord) -> bool:
    """As if it had not been taken: being interrupted is no failure of the job."""
    return await _change(session, held, _queued(0) | {"attempts": JobRecord.attempts - 1})


def retry_after(attempts: int) -> float:
    """5 s, 10 s, 20 s … up to an hour, each a quarter more or less so that crowds come apart."""
    wait = min(_FIRST_RETRY * 2.0 ** min(attempts - 1, 20), _LONGEST_RETRY)
    return wait * random.uniform(0.75, 1.25)  # noqa: S311 - not a secret


def _ended(status: JobStatus, error: str | None) -> dict[str, Any]:
    return {"status": status, "lease_until": None, "finished_at": db_now(), "error": error}


def _queued(wait: float) -> dict[str, Any]:
    return {"status": JobStatus.QUEUED, "lease_until": None, "run_at": db_now(wait)}


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
