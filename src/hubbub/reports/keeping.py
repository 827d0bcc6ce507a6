"""Under which keys the blob store has what belongs to a report."""

from collections.abc import Iterable
from enum import StrEnum
from uuid import UUID


class Format(StrEnum):
    PDF = "pdf"
    JSON = "json"


REPORTS = "reports/"
CONTENT_TYPES = {Format.PDF: "application/pdf", Format.JSON: "application/json"}


def key_of(report_id: UUID, format: Format) -> str:  # noqa: A002 - what callers know it by
    return f"{REPORTS}{report_id}.{format}"


def all_keys(report_id: UUID) -> Iterable[str]:
    return [key_of(report_id, each) for each in Format]


def report_of(key: str) -> UUID | None:
    """Whose key that is; None for what isn't one of ours."""
    try:
        return UUID(key.removeprefix(REPORTS).partition(".")[0])
    except ValueError:
        return None
