from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from hubbub.jobs.schemas import ProgressRead
from hubbub.kit.schema import Input, Schema, UtcDatetime
from hubbub.reports.types import Span, Stage, Subject


def _sensible(at: datetime) -> datetime:
    if not 2000 <= at.year < 2200:
        msg = "must lie between the years 2000 and 2200"
        raise ValueError(msg)
    return at


_Time = Annotated[UtcDatetime, AfterValidator(_sensible)]


class ReportCreate(Input):
    kind: Subject = Field(
        description="`activity`: who talks with whom, and how much. `delivery`: what arrived, and"
        " how soon. `work`: items made and done, and how long they took."
    )
    since: _Time | None = Field(default=None, description="Left out: a week before `until`.")
    until: _Time | None = Field(
        default=None, description="Left out: now. At most 366 days after `since`."
    )


class ReportStatus(Schema):
    report_id: UUID
    status: Stage
    progress: ProgressRead
    download_url: str | None = Field(description="There when it is done.")
    error: str | None = Field(default=None, description="What went wrong, where it failed.")


class ReportRead(ReportStatus):
    kind: Subject
    span: Span = Field(
        description="`hub`: all of it, for admins. `mine`: what you and your agents are part of."
    )
    since: UtcDatetime
    until: UtcDatetime
    pdf_bytes: int | None
    json_bytes: int | None
    created_at: UtcDatetime
    finished_at: UtcDatetime | None
