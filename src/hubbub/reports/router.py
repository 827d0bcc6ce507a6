from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, status
from fastapi.responses import StreamingResponse

from hubbub.agents.dependencies import CurrentActor
from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.kit.http.dependencies import CurrentResources, Page, ReadSession, WriteSession
from hubbub.kit.http.download import Download, to_be_saved
from hubbub.kit.http.idempotency import Once
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import API, ApiRouter
from hubbub.kit.idempotency import InvalidKey, KeyReused
from hubbub.kit.pagination import InvalidCursor, PageOf
from hubbub.reports.errors import (
    ReportEnded,
    ReportLost,
    ReportNotDone,
    ReportNotFound,
    ReportRange,
    ReportsAway,
    TooManyReports,
)
from hubbub.reports.keeping import CONTENT_TYPES, Format
from hubbub.reports.schemas import ReportCreate, ReportRead, ReportStatus
from hubbub.reports.schemas.contents import Content
from hubbub.reports.service import reports as service

router = ApiRouter(prefix="/reports", tags=["Reports"])

ReportId = Annotated[UUID, Path(description="The report's id.")]
_ALWAYS = (InvalidToken, ScopeMissing)
_OF_REPORT = (*_ALWAYS, ReportNotFound)
_LOCATION: dict[int | str, dict[str, Any]] = {
    202: {"headers": {"Location": {"schema": {"type": "string"}}}}
}


@router.post(
    "",
    summary="Ask for a report",
    description="It is made in the background: about the hub for admins, for others about what they"
    " and their agents have to do with. `status` and `events` tell how far it is.",
    status_code=status.HTTP_202_ACCEPTED,
    responses=_LOCATION | responses(*_ALWAYS, InvalidKey, KeyReused, ReportRange, TooManyReports),
)
async def create_report(
    new: ReportCreate,
    actor: CurrentActor,
    session: WriteSession,
    once: Once,
    resources: CurrentResources,
) -> ReportRead:
    now, most = resources.clock.now(), resources.settings.reports.at_a_time
    making = service.create_report(session, actor, new, now, most)
    return await once(session, actor.identity, new, making, _location)


def _location(made: ReportRead) -> str:
    return f"{API}/reports/{made.report_id}"


@router.get(
    "",
    summary="List reports",
    description="Newest first: yours and those of your agents, for admins all.",
    responses=responses(InvalidCursor, *_ALWAYS),
)
async def list_reports(actor: CurrentActor, session: ReadSession, page: Page) -> PageOf[ReportRead]:
    return await service.list_reports(session, actor, page)


@router.get(
    "/{report_id}", summary="Read what is known of a report", responses=responses(*_OF_REPORT)
)
async def read_report(report_id: ReportId, actor: CurrentActor, session: ReadSession) -> ReportRead:
    return await service.get_report(session, actor, report_id)


@router.get(
    "/{report_id}/status", summary="See how far a report is", responses=responses(*_OF_REPORT)
)
async def read_status(
    report_id: ReportId, actor: CurrentActor, session: ReadSession
) -> ReportStatus:
    return await service.get_status(session, actor, report_id)


@router.get(
    "/{report_id}/download",
    summary="Download a report",
    description="With charts as PDF, or what they are drawn from as JSON.",
    response_class=StreamingResponse,
    responses=responses(*_OF_REPORT, ReportNotDone, ReportLost, ReportsAway)
    | {
        200: {
            "model": Content,
            "content": {
                CONTENT_TYPES[Format.PDF]: {"schema": {"type": "string", "format": "binary"}}
            },
        }
    },
)
async def download_report(
    report_id: ReportId,
    actor: CurrentActor,
    resources: CurrentResources,
    format: Annotated[Format, Query(description="As what.")] = Format.PDF,  # noqa: A002
) -> StreamingResponse:
    # the session has ended before the first byte is sent: a slow reader holds none
    async with resources.database.read() as session:
        report = await service.finished(session, actor, report_id)
    found = await service.download(resources.blobs, report, format)
    headers = {
        "Content-Disposition": to_be_saved(found.name),
        "Content-Length": str(found.size),
        "Cache-Control": "private, no-cache",
    }
    return Download(
        _pieces(found.first, found.others),
        headers=headers,
        media_type=CONTENT_TYPES[format],
        stall_seconds=resources.settings.exports.stall_seconds,
    )


async def _pieces(first: bytes, others: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    yield first
    async for piece in others:
        yield piece


@router.post(
    "/{report_id}/cancel",
    summary="Cancel a report",
    description="One that waits is cancelled at once, one that is being made in a moment.",
    responses=responses(*_OF_REPORT, ReportEnded),
)
async def cancel_report(
    report_id: ReportId, actor: CurrentActor, session: WriteSession
) -> ReportRead:
    return await service.cancel_report(session, actor, report_id)


@router.delete(
    "/{report_id}",
    summary="Delete a report",
    description="One that is being made is given up.",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=responses(*_OF_REPORT),
)
async def delete_report(report_id: ReportId, actor: CurrentActor, session: WriteSession) -> None:
    await service.delete_report(session, actor, report_id)
