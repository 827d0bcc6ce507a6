"""The few places where the two databases differ, each behind one function."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Dialect,
    FunctionElement,
    Insert,
    Integer,
    Select,
    Table,
    case,
    delete,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler

from hubbub.kit.db.base import UtcDateTime
from hubbub.kit.db.sessions import AsyncWriteSession


class db_now(FunctionElement[datetime]):  # noqa: N801 - used like a function
    """The database's clock, optionally some seconds ahead: `db_now(30)`.

    Leases and due times are set and compared with it alone, so that the clocks of many machines
    don't matter. On PostgreSQL it is the start of the statement: stable, so indexes serve it.
    """

    type = UtcDateTime()
    inherit_cache = True
    name = "db_now"

    def __init__(self, ahead: float | ColumnElement[float] = 0) -> None:
        super().__init__(ahead)


@compiles(db_now, "sqlite")
def _now_sqlite(element: db_now, compiler: SQLCompiler, **kw: object) -> str:
    ahead = compiler.process(element.clauses, **kw)
    # the same form in which SQLAlchemy stores times, so that text compares as time
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', ({ahead}) || ' seconds')"


@compiles(db_now, "postgresql")
def _now_postgresql(element: db_now, compiler: SQLCompiler, **kw: object) -> str:
    ahead = compiler.process(element.clauses, **kw)
    return f"(statement_timestamp() + make_interval(secs => ({ahead})::float8))"


class byte_length(FunctionElement[int]):  # noqa: N801 - used like a function
    """How many bytes a text takes as UTF-8."""

    type = Integer()
    inherit_cache = True
    name = "byte_length"


@compiles(byte_length, "sqlite")
def _bytes_sqlite(element: byte_length, compiler: SQLCompiler, **kw: object) -> str:
    return f"length(CAST({compiler.process(element.clauses, **kw)} AS BLOB))"


@compiles(byte_length, "postgresql")
def _bytes_postgresql(element: byte_length, compiler: SQLCompiler, **kw: object) -> str:
    return f"octet_length(({compiler.process(element.clauses, **kw)})::text)"


def either(one: ColumnElement[bool], other: ColumnElement[bool]) -> ColumnElement[bool]:
    """`one OR other`, but for a page of a list: SQLite would answer each side of an OR from an
    index of its own and sort all that is found, instead of reading the first rows of the index
    that has them in order."""
    return case((one, true()), else_=other)


def dialect_of(session: AsyncWriteSession) -> str:
    return session.get_bind().dialect.name


def spelled_out(statement: Select[*tuple[Any, ...]], dialect: Dialect) -> str:
    """With its values in it: they are ids, times, numbers and words of ours, which have types."""
    return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def insert_or_ignore(
    session: AsyncWriteSession, model: type[DeclarativeBase], *, unique: Sequence[str]
) -> Insert:
    """An INSERT that leaves an existing row (by the `unique` columns) as it is."""
    return _insert(session, model).on_conflict_do_nothing(index_elements=unique)


def upsert(
    session: AsyncWriteSession,
    model: type[DeclarativeBase],
    values: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    unique: Sequence[str],
    change: Sequence[str],
) -> Insert:
    """An INSERT of `values`, one row or several, that changes the columns `change` of a row that is
    there already instead."""
    statement = _insert(session, model).values(values)
    return statement.on_conflict_do_update(
        index_elements=unique, set_={name: statement.excluded[name] for name in change}
    )


def _insert(
    session: AsyncWriteSession, model: type[DeclarativeBase]
) -> postgresql.Insert | sqlite.Insert:
    table = cast("Table", model.__table__)
    if dialect_of(session) == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


async def claim[M: DeclarativeBase](
    session: AsyncWriteSession,
    model: type[M],
    *,
    where: Sequence[ColumnElement[bool]],
    order_by: Sequence[ColumnElement[Any] | InstrumentedAttribute[Any]],
    limit: int,
    values: Mapping[str, Any],
) -> Sequence[M]:
    """Changes up to `limit` rows and returns them; no two callers ever get the same one."""
    key, picked = _pick(session, model, where, order_by, limit)
    statement = (
        update(model)
        .where(key.in_(picked))
        .values(values)
        .returning(model)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return (await session.scalars(statement)).all()


async def take[M: DeclarativeBase](
    session: AsyncWriteSession,
    model: type[M],
    *,
    where: Sequence[ColumnElement[bool]],
    order_by: Sequence[ColumnElement[Any] | InstrumentedAttribute[Any]],
    limit: int,
) -> Sequence[M]:
    """Deletes up to `limit` rows and returns them, in no order; nobody else gets the same one."""
    key, picked = _pick(session, model, where, order_by, limit)
    statement = (
        delete(model)
        .where(key.in_(picked))
        .returning(model)
        .execution_options(synchronize_session=False)
    )
    return (await session.scalars(statement)).all()


def _pick(
    session: AsyncWriteSession,
    model: type[DeclarativeBase],
    where: Sequence[ColumnElement[bool]],
    order_by: Sequence[ColumnElement[Any] | InstrumentedAttribute[Any]],
    limit: int,
) -> tuple[ColumnElement[Any], Select[Any]]:
    """On PostgreSQL the pick is a materialized CTE: the planner may run a plain `IN (… LIMIT …)`
    more than once and then picks more than its limit."""
    key = next(iter(cast("Table", model.__table__).primary_key.columns))
    picked: Select[Any] = select(key).where(*where).order_by(*order_by).limit(limit)
    if dialect_of(session) == "postgresql":
        picked = picked.with_for_update(skip_locked=True)
    cte = picked.cte("picked").prefix_with("MATERIALIZED")
    return key, select(cte.c[key.name])


_SQLITE_PASSING = (
    "database is locked",
    "database table is locked",
    "database or disk is full",
    "disk i/o error",
    "unable to open database file",
    "attempt to write a readonly database",
    "database disk image is malformed",
    "file is not a database",
)
# connection trouble, resources, operator intervention, serialization, deadlock, lock timeout,
# a standby that took over and still refuses writes
_POSTGRESQL_PASSING = ("08", "53", "57", "58", "40001", "40P01", "55P03", "25006")


def is_retryable(error: BaseException) -> bool:
    """Whether the same work may succeed later: the database is busy, full, away or broken."""
    if isinstance(error, PoolTimeout | DisconnectionError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    return error.connection_invalidated or _passes(error.orig)


def is_retryable_in_driver(error: BaseException) -> bool:
    """The same, for code that uses a driver without SQLAlchemy."""
    if isinstance(error, PoolTimeout | OSError):
        return True
    if isinstance(error, sqlite3.Error):
        return _passes(error)
    import asyncpg

    # asyncpg itself is at a loss when a statement comes after the server has said that the
    # connection ends, and before the end has come
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError):
        return True
    return isinstance(error, asyncpg.PostgresError) and _passes(error)


def _passes(error: BaseException | None) -> bool:
    state = getattr(error, "sqlstate", None)
    if state is not None:
        return str(state).startswith(_POSTGRESQL_PASSING)
    text = str(error).lower()
    return any(passing in text for passing in _SQLITE_PASSING)


def is_write_refusal(error: BaseException) -> bool:
    """Whether something that may only be read was asked to change."""
    if not isinstance(error, DBAPIError):
        return False
    return getattr(error.orig, "sqlstate", None) == "25006" or "readonly" in str(error.orig)
