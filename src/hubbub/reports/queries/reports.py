"""Finders of reports. Whoever looks comes first: one sees one's own and those that agents asked for
while they were one's own; admins see all, and only they what is about the whole hub. What an agent
asked for doesn't go along when it gets another owner: it counts what it did for the first one."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, true

from hubbub.agents.models import Agent
from hubbub.agents.queries import spoken_for
from hubbub.agents.types import Actor
from hubbub.kit.db.dialect import db_now
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.jobs import JobRecord, JobStatus
from hubbub.kit.pagination import Order, PageRequest, paginate
from hubbub.reports.models import Report
from hubbub.reports.types import Span, Stage
from hubbub.users.models import User

_NEWEST = Order("reports", Report.created_at, Report.id, descending=True)
_WAITING = (JobStatus.QUEUED, JobStatus.RUNNING)


class Standing(NamedTuple):
    report: Report
    job: JobRecord | None

    @property
    def status(self) -> Stage:
        if self.report.outcome is not None:
            return self.report.outcome
        # a job that is gone before it said how it ended has not ended well
        return Stage(self.job.status) if self.job is not None else Stage.FAILED


def _visible(actor: Actor) -> ColumnElement[bool]:
    if actor.is_admin:
        return true()
    return and_(
        Report.participant_id.in_(spoken_for(actor)),
        Report.user_id == actor.viewer.user_id,
        Report.span == Span.MINE,
    )


async def find_report(session: AsyncReadSession, actor: Actor, report_id: UUID) -> Standing | None:
    statement = (
        select(Report, JobRecord)
        .outerjoin(JobRecord, JobRecord.id == Report.job_id)
        .where(Report.id == report_id, _visible(actor))
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else Standing(row[0], row[1])


async def lock_report(session: AsyncWriteSession, actor: Actor, report_id: UUID) -> Report | None:
    statement = select(Report).where(Report.id == report_id, _visible(actor)).with_for_update()
    found: Report | None = await session.scalar(statement)
    return found


async def list_reports(
    session: AsyncReadSession, actor: Actor, page: PageRequest
) -> tuple[Sequence[Standing], str | None]:
    rows, cursor = await paginate(session, select(Report).where(_visible(actor)), _NEWEST, page)
    wanted = [row.job_id for row in rows]
    found = await session.scalars(select(JobRecord).where(JobRecord.id.in_(wanted)))
    jobs: Mapping[UUID, JobRecord] = {job.id: job for job in found}
    return [Standing(row, jobs.get(row.job_id)) for row in rows], cursor


async def count_unfinished(session: AsyncReadSession, user_id: UUID) -> int:
    statement = (
        select(func.count())
        .select_from(Report)
        .join(JobRecord, JobRecord.id == Report.job_id)
        .where(
            Report.user_id == user_id,
            Report.outcome.is_(None),
            JobRecord.status.in_(_WAITING),
        )
    )
    return await session.scalar(statement) or 0


async def moves_of(session: AsyncReadSession, job_ids: Sequence[UUID]) -> Mapping[UUID, object]:
    """How far these jobs are, to be compared with what they were before."""
    statement = select(
        JobRecord.id, JobRecord.status, JobRecord.step, JobRecord.percent, JobRecord.message
    ).where(JobRecord.id.in_(job_ids))
    return {row[0]: tuple(row)[1:] for row in await session.execute(statement)}


class ToMake(NamedTuple):
    report: Report
    owner: User
    agent: Agent


async def report_to_make(session: AsyncReadSession, report_id: UUID) -> ToMake | None:
    """For whoever makes it: with the user whose it is, and the participant who asked."""
    statement = (
        select(Report, User, Agent)
        .join(User, User.id == Report.user_id)
        .join(Agent, Agent.id == Report.participant_id)
        .where(Report.id == report_id)
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else ToMake(row[0], row[1], row[2])


async def known_among(session: AsyncReadSession, report_ids: Sequence[UUID]) -> set[UUID]:
    return set(await session.scalars(select(Report.id).where(Report.id.in_(report_ids))))


async def outdated(session: AsyncReadSession, days: int, limit: int) -> Sequence[UUID]:
    statement = select(Report.id).where(Report.created_at < db_now(-days * 86400.0))
    return (await session.scalars(statement.order_by(Report.created_at).limit(limit))).all()


async def ended_unnoticed(session: AsyncReadSession, limit: int) -> Sequence[Standing]:
    """Those whose job has ended without them, which will be forgotten."""
    statement = (
        select(Report, JobRecord)
        .outerjoin(JobRecord, JobRecord.id == Report.job_id)
        .where(
            Report.outcome.is_(None),
            or_(JobRecord.id.is_(None), JobRecord.status.not_in(_WAITING)),
        )
    )
    rows = await session.execute(statement.limit(limit))
    return [Standing(row[0], row[1]) for row in rows]
