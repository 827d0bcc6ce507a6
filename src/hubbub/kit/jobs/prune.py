"""Keeps the tables of the ground from growing for ever."""

from datetime import timedelta

from hubbub.kit.db.chunks import delete_in_chunks
from hubbub.kit.db.dialect import db_now
from hubbub.kit.idempotency import FirstAnswer
from hubbub.kit.jobs.declare import JobContext, NoArgs, job
from hubbub.kit.jobs.models import JobRecord, JobStatus

_ENDED = (JobStatus.DONE, JobStatus.FAILED, JobStatus.CANCELLED)


@job("jobs.prune", every=timedelta(hours=1))
async def prune(context: JobContext, _: NoArgs) -> None:
    kept = context.resources.settings.jobs.keep_days * 86400.0
    await delete_in_chunks(
        context.resources.database,
        JobRecord,
        JobRecord.status.in_(_ENDED),
        # a job is due before it ends; said only because there is an index on it
        JobRecord.run_at < db_now(-kept),
        JobRecord.finished_at < db_now(-kept),
    )


@job("idempotency.prune", every=timedelta(hours=1))
async def prune_answers(context: JobContext, _: NoArgs) -> None:
    kept = context.resources.settings.idempotency_days * 86400.0
    await delete_in_chunks(
        context.resources.database, FirstAnswer, FirstAnswer.created_at < db_now(-kept)
    )
