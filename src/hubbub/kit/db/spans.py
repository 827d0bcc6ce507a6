"""What happened within a span of time, found by the ids that were made then."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute

from hubbub.kit.ids import first_id_at

_DRIFT = 86400
"""Ids are made by the clocks of many machines, times are the database's."""


@dataclass(frozen=True, slots=True)
class Span:
    """Of time; both ends may be open."""

    since: datetime | None = None
    until: datetime | None = None

    def of(
        self,
        at: InstrumentedAttribute[datetime],
        made: InstrumentedAttribute[UUID] | None = None,
        *,
        drift: int = _DRIFT,
    ) -> Iterator[ColumnElement[bool]]:
        """`made`: ids made at about that time, give or take the seconds of `drift`, where an index
        finds them."""
        if self.since is not None:
            yield at >= self.since
            if made is not None:
                yield made >= first_id_at(self.since, later=-drift)
        if self.until is not None:
            yield at < self.until
            if made is not None:
                yield made < first_id_at(self.until, later=drift)
