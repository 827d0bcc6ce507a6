from typing import ClassVar
from uuid import UUID

from hubbub.kit.outbox import Event


class ReportDeleted(Event):
    topic: ClassVar[str] = "report.deleted"
    report_id: UUID
