"""What a transaction of the writer is made of: steps that ask for rows and are sent them.

Steps are generators, so the same ones run on both databases; whoever drives them owns the
transaction. The order is the same for every batch on every process: keys, then those who are
addressed, then the numbers, then the rows.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from hubbub.messages.writer.statements import Insert, Query


class Ask(NamedTuple):
    """One statement with its rows. `answers`: whether rows come back."""

    sql: Query | Insert
    rows: Sequence[Any]
    answers: bool = True


class Forms(Protocol):
    """How values are written for the database at hand."""

    alone: bool
    """Whether nobody else writes meanwhile, so that what was read still holds."""

    def time(self, at: datetime | None) -> Any: ...  # noqa: ANN401

    def json(self, content: object) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Limits:
    hops: int
    open_per_inbox: int


type Steps[T] = Generator[Ask, list[Any], T]
