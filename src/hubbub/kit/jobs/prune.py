"""Keeps the table of jobs from growing for ever."""

from datetime import timedelta

from sqlalchemy import delete, select

from hubbub.kit.db.dialect import db_now
from hubbub.kit.jobs.declare import JobContext, NoArgs, job
from hubbub.kit.jobs.models import JobRecord, JobStatus

_CHUNK = 500
_ENDED = (JobStatus.DONE, JobStatus.FAILED, JobStatus.CANCELLED)


@job("jobs.prune", every=timedelta(hours=1))
async def prune(context: JobContext, _: NoArgs) -> None:
    """Deletes jobs that ended long ago, a chunk a transaction so that nobody waits for it."""
    kept = context.resources.settings.jobs.keep_days * 86400.0
    old = (
        select(JobRecord.id)
        .where(
            JobRecord.status.in_(_ENDED),
            # a job is due before it ends; said only because there is an index on it
            JobRecord.run_at < db_now(-kept),
            JobRecord.finished_at < db_now(-kept),
        )
        .limit(_CHUNK)
    )
    statement = (
        delete(JobRecord)
        .where(JobRecord.id.in_(old))
        .returning(JobRecord.id)
        .execution_options(synchronize_session=False)
    )
    deleted = _CHUNK
    while deleted == _CHUNK:
        async with context.resources.database.write() as session:
            deleted = len((await session.scalars(statement)).all())
