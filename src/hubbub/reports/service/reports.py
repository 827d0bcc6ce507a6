"""Asking for reports, and reading, cancelling and deleting them."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete

from hubbub.activity.service import record
from hubbub.agents.types import Actor
from hubbub.auth.errors import InvalidToken
from hubbub.jobs.schemas import ProgressRead
from hubbub.kit.blobs import BlobMissing, BlobStore, BlobsUnavailable
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.ids import new_id
from hubbub.kit.jobs import ask_to_cancel, enqueue
from hubbub.kit.outbox import emit
from hubbub.kit.pagination import PageOf, PageRequest
from hubbub.reports import queries
from hubbub.reports.errors import (
    ReportEnded,
    ReportLost,
    ReportNotDone,
    ReportNotFound,
    ReportRange,
    ReportsAway,
    TooManyReports,
)
from hubbub.reports.keeping import Format, key_of
from hubbub.reports.models import Report
from hubbub.reports.queries import Standing
from hubbub.reports.schemas import ReportCreate, ReportRead, ReportStatus
from hubbub.reports.service.building import Build, build
from hubbub.reports.service.events import ReportDeleted
from hubbub.reports.types import UNFINISHED, Span, Stage
from hubbub.users.models import User

DEFAULT = timedelta(days=7)
LONGEST = timedelta(days=366)
_PATIENCE = 5
_WENT_WRONG = "It could not be made; ask for it again, or tell the operator of the hub."
_DONE = ProgressRead(step="done", percent=100, message=None)


async def create_report(
    session: AsyncWriteSession, actor: Actor, new: ReportCreate, now: datetime, most: int
) -> ReportRead:
    until = new.until or now
    since = new.since or until - DEFAULT
    if not timedelta(0) < until - since <= LONGEST:
        raise ReportRange
    user_id = actor.viewer.user_id
    # the row is locked from here on, so that two requests can't both be the last that may be
    locked = {"key_share": True}
    if await session.get(User, user_id, with_for_update=locked, populate_existing=True) is None:
        raise InvalidToken  # deleted since the credential was checked
    if await queries.count_unfinished(session, user_id) >= most:
        msg = f"At most {most} at a time."
        raise TooManyReports(msg, retry_after=_PATIENCE)
    report_id = new_id()
    report = Report(
        id=report_id,
        user_id=user_id,
        participant_id=actor.participant_id,
        kind=new.kind,
        span=Span.HUB if actor.is_admin else Span.MINE,
        since=since,
        until=until,
        job_id=await enqueue(session, build, Build(report_id=report_id)),
    )
    session.add(report)
    await session.flush()
    await session.refresh(report)
    record(
        session,
        "report.created",
        actor_id=actor.recorded_as,
        target_kind="report",
        target_id=report_id,
        kind=new.kind,
    )
    return shown(await _get(session, actor, report_id))


async def list_reports(
    session: AsyncReadSession, actor: Actor, page: PageRequest
) -> PageOf[ReportRead]:
    rows, cursor = await queries.list_reports(session, actor, page)
    return PageOf(items=[shown(row) for row in rows], next_cursor=cursor)


async def get_report(session: AsyncReadSession, actor: Actor, report_id: UUID) -> ReportRead:
    return shown(await _get(session, actor, report_id))


async def get_status(session: AsyncReadSession, actor: Actor, report_id: UUID) -> ReportStatus:
    return status_of(await _get(session, actor, report_id))


async def job_of(session: AsyncReadSession, actor: Actor, report_id: UUID) -> UUID:
    """Which tells how far it is."""
    return (await _get(session, actor, report_id)).report.job_id


async def cancel_report(session: AsyncWriteSession, actor: Actor, report_id: UUID) -> ReportRead:
    standing = await _get(session, actor, report_id)
    is_open = standing.status in UNFINISHED
    if not is_open or await ask_to_cancel(session, standing.report.job_id) is None:
        raise ReportEnded
    _record(session, "report.cancelled", actor, report_id)
    return shown(await _get(session, actor, report_id))


async def delete_report(session: AsyncWriteSession, actor: Actor, report_id: UUID) -> None:
    """What is being made is given up; what was made is erased once this has been committed."""
    report = await queries.lock_report(session, actor, report_id)
    if report is None:
        raise ReportNotFound
    if report.outcome is None:
        await ask_to_cancel(session, report.job_id)
    await session.execute(delete(Report).where(Report.id == report_id))
    _record(session, "report.deleted", actor, report_id)
    emit(session, ReportDeleted(report_id=report_id))


def _record(session: AsyncWriteSession, action: str, actor: Actor, report_id: UUID) -> None:
    record(
        session,
        action,
        actor_id=actor.recorded_as,
        target_kind="report",
        target_id=report_id,
    )


class Download(NamedTuple):
    name: str
    size: int
    first: bytes
    others: AsyncIterator[bytes]


async def finished(session: AsyncReadSession, actor: Actor, report_id: UUID) -> Report:
    standing = await _get(session, actor, report_id)
    if standing.status is not Stage.DONE:
        raise ReportNotDone
    return standing.report


async def download(blobs: BlobStore, report: Report, format: Format) -> Download:  # noqa: A002
    """The first piece is read before anything is answered."""
    size = (report.pdf_bytes if format is Format.PDF else report.json_bytes) or 0
    pieces = blobs.read(key_of(report.id, format), 0, size)
    try:
        first = await anext(pieces, b"")
    except BlobMissing as error:
        raise ReportLost from error
    except BlobsUnavailable as error:
        raise ReportsAway(retry_after=_PATIENCE) from error
    name = f"{report.kind}-{report.since:%Y-%m-%d}-{report.until:%Y-%m-%d}.{format}"
    return Download(name, size, first, pieces)


async def _get(session: AsyncReadSession, actor: Actor, report_id: UUID) -> Standing:
    standing = await queries.find_report(session, actor, report_id)
    if standing is None:
        raise ReportNotFound
    return standing


def status_of(standing: Standing) -> ReportStatus:
    report, job = standing
    status = standing.status
    progress = ProgressRead(step=None, percent=None, message=None)
    if status is Stage.DONE:
        progress = _DONE
    elif job is not None:
        progress = ProgressRead.model_validate(job)
    return ReportStatus(
        report_id=report.id,
        status=status,
        progress=progress,
        download_url=f"/api/v1/reports/{report.id}/download" if status is Stage.DONE else None,
        error=_WENT_WRONG if status is Stage.FAILED else None,
    )


def shown(standing: Standing) -> ReportRead:
    report = standing.report
    return ReportRead(
        **status_of(standing).model_dump(),
        kind=report.kind,
        span=report.span,
        since=report.since,
        until=report.until,
        pdf_bytes=report.pdf_bytes,
        json_bytes=report.json_bytes,
        created_at=report.created_at,
        finished_at=report.finished_at,
    )
