from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, update

from hubbub.kit.blobs.sweeping import sweep_prefix
from hubbub.kit.db.dialect import db_now
from hubbub.kit.jobs import JobContext, NoArgs, job
from hubbub.kit.outbox import emit
from hubbub.reports import queries
from hubbub.reports.keeping import REPORTS, all_keys, report_of
from hubbub.reports.models import Report
from hubbub.reports.service.building import build
from hubbub.reports.service.events import ReportDeleted

_ON_ITS_WAY = timedelta(days=1)
"""What is younger may still become a report."""
_AT_ONCE = 200


@job("reports.erase", on=ReportDeleted)
async def erase(context: JobContext, event: ReportDeleted) -> None:
    await context.resources.blobs.erase(list(all_keys(event.report_id)))


@job("reports.settle", every=timedelta(hours=1))
async def settle(context: JobContext, _: NoArgs) -> None:
    """Writes down how those have ended that failed or were cancelled: their jobs are forgotten."""
    database = context.resources.database
    async with database.read() as session:
        ended = await queries.ended_unnoticed(session, _AT_ONCE)
    async with database.write() as session:
        for each in ended:
            await session.execute(
                update(Report)
                .where(Report.id == each.report.id, Report.outcome.is_(None))
                .values(outcome=each.status, finished_at=db_now())
                .execution_options(synchronize_session=False)
            )


@job("reports.prune", every=timedelta(hours=1))
async def prune(context: JobContext, _: NoArgs) -> None:
    resources = context.resources
    days = resources.settings.reports.keep_days
    while True:
        async with resources.database.write() as session:
            old = await queries.outdated(session, days, _AT_ONCE)
            await session.execute(delete(Report).where(Report.id.in_(old)))
            for report_id in old:
                emit(session, ReportDeleted(report_id=report_id))
        if len(old) < _AT_ONCE:
            return


@job("reports.sweep", every=timedelta(hours=1))
async def sweep(context: JobContext, _: NoArgs) -> None:
    """Erases what no report knows of: a hub was killed, or a user deleted."""
    resources = context.resources

    async def known(report_ids: Sequence[UUID]) -> set[UUID]:
        async with resources.database.read() as session:
            return await queries.known_among(session, report_ids)

    before = resources.clock.now() - _ON_ITS_WAY
    await sweep_prefix(resources.blobs, REPORTS, before, report_of, known)


JOBS = (build, erase, settle, prune, sweep)
