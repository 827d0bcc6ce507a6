"""Making a report. Whoever is killed in it is followed by somebody who begins anew: what was left
in the store is written over, and the row says once that it is done."""

from collections.abc import AsyncIterator
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import update

from hubbub.agents.types import Kind as ParticipantKind
from hubbub.kit.blobs import Shown
from hubbub.kit.db.dialect import db_now
from hubbub.kit.jobs import GiveUp, JobContext, job
from hubbub.reports import queries
from hubbub.reports.keeping import CONTENT_TYPES, Format, all_keys, key_of
from hubbub.reports.models import Report
from hubbub.reports.queries.reports import ToMake
from hubbub.reports.queries.scope import Scope, of_agent, of_user
from hubbub.reports.schemas.contents import Content
from hubbub.reports.service.drawing import draw
from hubbub.reports.service.gathering import gather
from hubbub.reports.types import Span, Stage
from hubbub.users.types import Role

_GATHERED = 80
"""Hundredths of the work that are over when all questions are answered."""

_AT_ONCE = 2
"""A process that makes more would keep everybody's mails and other jobs waiting for minutes."""


class NoLongerAdminError(Exception):
    """Who asked for a report about the whole hub may not see it any more."""


class Build(BaseModel):
    report_id: UUID


@job("reports.build", max_attempts=4, at_once=_AT_ONCE)
async def build(context: JobContext, args: Build) -> None:
    resources = context.resources
    context.tell("starting", 0)
    async with resources.database.read() as session:
        wanted = await queries.report_to_make(session, args.report_id)
    if wanted is None or wanted.report.outcome is not None:
        return
    report = wanted.report

    def tell(percent: int, about: str) -> None:
        context.tell("counting", percent * _GATHERED // 100, f"Counting: {about}")

    found = await gather(resources.database, report.kind, _scope(wanted), tell)
    content = Content.model_validate(
        {
            "report_id": report.id,
            "kind": report.kind,
            "span": report.span,
            "hub": resources.settings.app_name,
            "made_for": _made_for(wanted),
            "since": report.since,
            "until": report.until,
            "generated_at": resources.clock.now(),
            report.kind.value: found,
        }
    )
    text = content.model_dump_json().encode()
    context.tell("drawing", _GATHERED, "Drawing the pages")
    drawn = await draw(text)
    context.tell("storing", 95, "Storing it")
    for format, content_bytes in ((Format.JSON, text), (Format.PDF, drawn)):  # noqa: A001
        shown = Shown(CONTENT_TYPES[format], "attachment")
        await resources.blobs.put(key_of(report.id, format), _once(content_bytes), shown)
    if not await _finish(context, report.id, len(drawn), len(text)):
        await resources.blobs.erase(list(all_keys(report.id)))
    context.tell("done", 100)


def _scope(wanted: ToMake) -> Scope:
    report, owner, agent = wanted
    if report.span is Span.HUB:
        if owner.role is not Role.ADMIN or not owner.is_active:
            raise GiveUp from NoLongerAdminError()
        mine = None
    elif agent.kind is ParticipantKind.PERSON:
        mine = of_user(owner.id)
    else:
        mine = of_agent(agent.id)
    return Scope(report.since, report.until, mine)


def _made_for(wanted: ToMake) -> str:
    if wanted.agent.kind is ParticipantKind.PERSON:
        return wanted.owner.full_name
    return wanted.agent.handle


async def _finish(context: JobContext, report_id: UUID, pdf: int, text: int) -> bool:
    """False when it was deleted meanwhile."""
    statement = (
        update(Report)
        .where(Report.id == report_id)
        .values(outcome=Stage.DONE, pdf_bytes=pdf, json_bytes=text, finished_at=db_now())
        .returning(Report.id)
        .execution_options(synchronize_session=False)
    )
    async with context.resources.database.write() as session:
        return await session.scalar(statement) is not None


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
