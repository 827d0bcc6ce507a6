"""Words of exports."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute

from hubbub.kit.ids import first_id_at

_DRIFT = 86400
"""Ids are made by the clocks of many machines, times are the database's."""


class Format(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"

    @property
    def media_type(self) -> str:
        return {Format.CSV: "text/csv; charset=utf-8", Format.JSONL: "application/jsonl"}[self]


class Compress(StrEnum):
    NONE = "none"
    GZIP = "gzip"


@dataclass(frozen=True, slots=True)
class Span:
    """Of time; both ends may be open."""

    since: datetime | None = None
    until: datetime | None = None

    def of(
        self,
        at: InstrumentedAttribute[datetime],
        made: InstrumentedAttribute[UUID] | None = None,
    ) -> Iterator[ColumnElement[bool]]:
        """`made`: ids made at about that time, where an index finds them."""
        if self.since is not None:
            yield at >= self.since
            if made is not None:
                yield made >= first_id_at(self.since, later=-_DRIFT)
        if self.until is not None:
            yield at < self.until
            if made is not None:
                yield made < first_id_at(self.until, later=_DRIFT)


type Columns = dict[str, ColumnElement[Any]]
