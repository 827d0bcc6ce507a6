"""Storing very much in one transaction, on a connection of its own, in constant memory."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Protocol, cast

from sqlalchemy import Select, Table
from sqlalchemy.engine import make_url

from hubbub.kit.db.dialect import spelled_out
from hubbub.kit.db.sqlite import prepare, uninterrupted
from hubbub.kit.db.worker import Worker
from hubbub.settings import DatabaseSettings

type Row = Sequence[Any]


class RefusedError(Exception):
    """A row that is there already, or one that refers to what isn't."""


class Values(Protocol):
    def time(self, at: datetime) -> datetime | str:
        """As the driver takes it; all else is text and numbers on both."""
        ...


class Bulk(Values, Protocol):
    async def keep_others_out(self, tables: Sequence[Table]) -> None:
        """Nobody else writes to these before this ends."""
        ...

    async def empty(self, table: Table) -> None: ...

    async def insert(self, table: Table, names: Sequence[str], rows: Sequence[Row]) -> None: ...

    async def rows(self, statement: Select[*tuple[Any, ...]]) -> Sequence[Row]: ...


@asynccontextmanager
async def bulk(dsn: str, settings: DatabaseSettings) -> AsyncIterator[Bulk]:
    """All of it is stored when the block ends, nothing when it raises."""
    opened = SqliteBulk(dsn, settings) if dsn.startswith("sqlite") else PostgresBulk(dsn)
    try:
        await opened.begin()
        yield opened
        await opened.commit()
    finally:
        await uninterrupted(opened.close())


class _Bulk:
    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._dialect = make_url(dsn).get_dialect()()

    def _quoted(self, name: str) -> str:
        return self._dialect.identifier_preparer.quote(name)


class SqliteBulk(_Bulk):
    def __init__(self, dsn: str, settings: DatabaseSettings) -> None:
        super().__init__(dsn)
        self._timeout = settings.busy_timeout
        self._worker = Worker("bulk")
        self._connection: sqlite3.Connection | None = None

    def time(self, at: datetime) -> str:
        return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f").rjust(26, "0")

    async def begin(self) -> None:
        def begin() -> None:
            path = cast("str", make_url(self._dsn).database)
            self._connection = sqlite3.connect(path, timeout=self._timeout, isolation_level=None)
            prepare(self._connection, read_only=False)
            self._connection.execute("BEGIN IMMEDIATE")

        await self._worker.run(begin)

    async def keep_others_out(self, tables: Sequence[Table]) -> None:
        """They are: there is one writer at a time."""

    async def empty(self, table: Table) -> None:
        await self._execute(f"DELETE FROM {self._quoted(table.name)}")  # noqa: S608 - of a model

    async def insert(self, table: Table, names: Sequence[str], rows: Sequence[Row]) -> None:
        columns = ", ".join(self._quoted(name) for name in names)
        places = ", ".join("?" * len(names))
        sql = f"INSERT INTO {self._quoted(table.name)} ({columns}) VALUES ({places})"  # noqa: S608
        try:
            await self._worker.run(lambda: self._open.executemany(sql, rows))
        except sqlite3.IntegrityError as error:
            raise RefusedError from error

    async def rows(self, statement: Select[*tuple[Any, ...]]) -> Sequence[Row]:
        sql = spelled_out(statement, self._dialect)
        return await self._worker.run(lambda: self._open.execute(sql).fetchall())

    async def commit(self) -> None:
        await self._execute("COMMIT")

    async def close(self) -> None:
        """What isn't committed is rolled back by that."""
        if self._connection is not None:
            await self._worker.run(self._connection.close)
        self._worker.stop()

    @property
    def _open(self) -> sqlite3.Connection:
        assert self._connection is not None  # noqa: S101 - it has begun
        return self._connection

    async def _execute(self, sql: str) -> None:
        await self._worker.run(lambda: self._open.execute(sql))


class PostgresBulk(_Bulk):
    _connection: Any = None  # asyncpg has no types

    def time(self, at: datetime) -> datetime:
        return at

    async def begin(self) -> None:
        from hubbub.kit.db.postgresql import plain_connection

        self._connection = await plain_connection(self._dsn)()
        await self._connection.execute("BEGIN")

    async def keep_others_out(self, tables: Sequence[Table]) -> None:
        names = ", ".join(self._quoted(table.name) for table in tables)
        await self._connection.execute(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")

    async def empty(self, table: Table) -> None:
        sql = f"DELETE FROM {self._quoted(table.name)}"  # noqa: S608 - of a model
        await self._connection.execute(sql)

    async def insert(self, table: Table, names: Sequence[str], rows: Sequence[Row]) -> None:
        import asyncpg

        try:
            await self._connection.copy_records_to_table(table.name, columns=names, records=rows)
        except asyncpg.IntegrityConstraintViolationError as error:
            raise RefusedError from error

    async def rows(self, statement: Select[*tuple[Any, ...]]) -> Sequence[Row]:
        found: Sequence[Row] = await self._connection.fetch(spelled_out(statement, self._dialect))
        return found

    async def commit(self) -> None:
        await self._connection.execute("COMMIT")

    async def close(self) -> None:
        """What isn't committed is rolled back by that."""
        if self._connection is not None:
            await self._connection.close()
