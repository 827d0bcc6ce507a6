"""What sums are made of, where the two databases say it differently."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Float,
    FunctionElement,
    Select,
    String,
    func,
    literal,
    select,
    type_coerce,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler

from hubbub.kit.db.sessions import AsyncReadSession

type _Time = ColumnElement[datetime] | InstrumentedAttribute[datetime]
type _MaybeTime = _Time | ColumnElement[datetime | None] | InstrumentedAttribute[datetime | None]


class day_of(FunctionElement[str]):  # noqa: N801 - used like a function
    """The day of a time, in UTC, as `2026-11-22`."""

    type = String()
    inherit_cache = True
    name = "day_of"

    def __init__(self, at: _MaybeTime) -> None:
        super().__init__(at)


@compiles(day_of, "sqlite")
def _day_sqlite(element: day_of, compiler: SQLCompiler, **kw: object) -> str:
    return f"substr({compiler.process(element.clauses, **kw)}, 1, 10)"


@compiles(day_of, "postgresql")
def _day_postgresql(element: day_of, compiler: SQLCompiler, **kw: object) -> str:
    at = compiler.process(element.clauses, **kw)
    return f"to_char(({at}) AT TIME ZONE 'UTC', 'YYYY-MM-DD')"


class seconds_between(FunctionElement[float]):  # noqa: N801 - used like a function
    """From the first time to the second, to a tenth of a millisecond."""

    type = Float()
    inherit_cache = True
    name = "seconds_between"

    def __init__(self, start: _MaybeTime, end: _MaybeTime) -> None:
        super().__init__(start, end)


@compiles(seconds_between, "sqlite")
def _seconds_sqlite(element: seconds_between, compiler: SQLCompiler, **kw: object) -> str:
    start, end = (compiler.process(each, **kw) for each in element.clauses)
    return f"((julianday({end}) - julianday({start})) * 86400.0)"


@compiles(seconds_between, "postgresql")
def _seconds_postgresql(element: seconds_between, compiler: SQLCompiler, **kw: object) -> str:
    start, end = (compiler.process(each, **kw) for each in element.clauses)
    return f"extract(epoch from ({end}) - ({start}))::float8"


class Spread(NamedTuple):
    many: int
    points: Sequence[float | None]


async def spread(session: AsyncReadSession, values: Select[Any], points: Sequence[float]) -> Spread:
    """How many values there are in the first column of `values`, and below which of them which
    part of them lies: 0.5 is the median. Between two values it is drawn straight."""
    given = values.subquery()
    value = type_coerce(next(iter(given.c)), Float)
    each: list[ColumnElement[Any]]
    if session.get_bind().dialect.name == "postgresql":
        each = [func.percentile_cont(point).within_group(value) for point in points]
        statement = select(func.count(), *each).select_from(given)
    else:
        ranked = select(
            value.label("value"),
            (func.row_number().over(order_by=value) - 1).label("place"),
            func.count().over().label("many"),
        ).subquery()
        # each value counts by how near its place is to the one that is asked for
        each = [
            func.sum(
                ranked.c.value
                * func.max(
                    0.0, 1.0 - func.abs(ranked.c.place - literal(point) * (ranked.c.many - 1))
                )
            )
            for point in points
        ]
        statement = select(func.count(), *each).select_from(ranked)
    many, *found = (await session.execute(statement)).one()
    return Spread(many, [None if point is None else float(point) for point in found])
