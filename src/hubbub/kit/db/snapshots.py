"""Reading much in one snapshot, in constant memory, beside requests that know nothing of it.

Each has a connection of its own, none of a pool's, and a thread that turns rows into what is
wanted. On SQLite that thread also reads; on PostgreSQL rows come through a cursor of the server.
"""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol, cast

from sqlalchemy import Select, func, select
from sqlalchemy.engine import make_url

from hubbub.kit.db.database import DatabaseUnavailable
from hubbub.kit.db.dialect import is_retryable_in_driver, spelled_out
from hubbub.kit.db.sqlite import prepare, uninterrupted
from hubbub.kit.db.worker import Worker
from hubbub.settings import DatabaseSettings

_FIRST_ROWS, _MOST_ROWS = 100, 1000
_BYTES = 256 * 1024
_LEAVING = 2.0
"""Seconds in which PostgreSQL takes back a statement; then the connection is dropped as it is."""

type Rows = Sequence[Sequence[Any]]
type Statement = Select[*tuple[Any, ...]]


class Pace:
    """How many rows are read at a time: fewer where they are large, so that what is in memory
    doesn't depend on what people wrote."""

    def __init__(self, most: int = _MOST_ROWS) -> None:
        self._most = most
        self.rows = min(most, _FIRST_ROWS)

    def weighed(self, rows: int, size: int) -> None:
        """A batch of so many came to so many bytes."""
        self.rows = max(1, min(self._most, _BYTES * rows // max(1, size)))


class Snapshot(Protocol):
    def batches[T](
        self, statement: Statement, make: Callable[[Rows], T], pace: Pace
    ) -> AsyncGenerator[T]:
        """What `make` makes of each batch of rows, in a thread. The next batch is read while
        somebody does something with this one."""
        ...

    async def count(self, statement: Statement) -> int: ...

    async def work[T](self, do: Callable[[], T]) -> T:
        """Does something in the same thread."""
        ...

    async def close(self) -> None:
        """Also in the middle of a statement, which then ends."""
        ...


@asynccontextmanager
async def snapshot(dsn: str, settings: DatabaseSettings) -> AsyncIterator[Snapshot]:
    opened = await open_snapshot(dsn, settings)
    try:
        yield opened
    finally:
        await uninterrupted(opened.close())


async def open_snapshot(dsn: str, settings: DatabaseSettings) -> Snapshot:
    """For who can't close it in the same place. Raises `DatabaseUnavailable`."""
    kind = SqliteSnapshot if dsn.startswith("sqlite") else PostgresSnapshot
    opened = kind(dsn, settings)
    try:
        await opened.open()
    except BaseException as error:
        await uninterrupted(opened.close())
        if isinstance(error, Exception) and is_retryable_in_driver(error):
            raise DatabaseUnavailable from error
        raise
    return opened


def _counting(statement: Statement) -> Select[int]:
    return select(func.count()).select_from(statement.order_by(None).subquery())


class _Snapshot:
    def __init__(self, dsn: str, settings: DatabaseSettings) -> None:
        self._dsn = dsn
        self._settings = settings
        self._dialect = make_url(dsn).get_dialect()()
        self._worker = Worker("snapshot")

    async def work[T](self, do: Callable[[], T]) -> T:
        return await self._worker.run(do)


class SqliteSnapshot(_Snapshot):
    _connection: sqlite3.Connection | None = None
    _closing = False

    def __init__(self, dsn: str, settings: DatabaseSettings) -> None:
        super().__init__(dsn, settings)
        self._cursors: list[sqlite3.Cursor] = []

    async def open(self) -> None:
        await self._worker.run(self._open)

    def _open(self) -> None:
        path = cast("str", make_url(self._dsn).database)
        self._connection = connection = sqlite3.connect(
            path, timeout=self._settings.busy_timeout, isolation_level=None
        )
        prepare(connection, read_only=True)
        connection.execute("BEGIN")
        # the snapshot is that of the first read
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()

    async def batches[T](
        self, statement: Statement, make: Callable[[Rows], T], pace: Pace
    ) -> AsyncGenerator[T]:
        sql = spelled_out(statement, self._dialect)
        cursor: sqlite3.Cursor | None = None

        def read() -> tuple[bool, T | None]:
            nonlocal cursor
            if self._closing or self._connection is None:
                return False, None
            if cursor is None:
                cursor = self._connection.execute(sql)
                self._cursors.append(cursor)
            rows = cursor.fetchmany(pace.rows)
            return bool(rows), make(rows) if rows else None

        ahead = self._worker.run(read)
        try:
            while (found := await ahead)[0]:
                ahead = self._worker.run(read)
                yield cast("T", found[1])
        finally:
            ahead.cancel()

    async def count(self, statement: Statement) -> int:
        sql = spelled_out(_counting(statement), self._dialect)

        def read() -> int:
            assert self._connection is not None  # noqa: S101 - it is open
            return int(self._connection.execute(sql).fetchone()[0])

        return await self._worker.run(read)

    async def close(self) -> None:
        self._closing = True
        if self._connection is not None:
            self._connection.interrupt()
            await self._worker.run(self._close)
        self._worker.stop()

    def _close(self) -> None:
        # a statement that isn't ended would keep the snapshot, whatever is closed around it
        for cursor in self._cursors:
            cursor.close()
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class PostgresSnapshot(_Snapshot):
    _connection: Any = None  # asyncpg has no types

    async def open(self) -> None:
        from hubbub.kit.db.postgresql import plain_connection

        self._connection = await plain_connection(self._dsn)()
        await self._connection.transaction(isolation="repeatable_read", readonly=True).start()

    async def batches[T](
        self, statement: Statement, make: Callable[[Rows], T], pace: Pace
    ) -> AsyncGenerator[T]:
        cursor = await self._connection.cursor(spelled_out(statement, self._dialect))

        async def read() -> tuple[bool, T | None]:
            rows = await cursor.fetch(pace.rows)
            return bool(rows), await self._worker.run(lambda: make(rows)) if rows else None

        ahead = asyncio.ensure_future(read())
        try:
            while (found := await ahead)[0]:
                ahead = asyncio.ensure_future(read())
                yield cast("T", found[1])
        finally:
            # asyncpg tells the server to end a statement that nobody waits for any more
            ahead.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await ahead

    async def count(self, statement: Statement) -> int:
        return int(
            await self._connection.fetchval(spelled_out(_counting(statement), self._dialect))
        )

    async def close(self) -> None:
        if self._connection is not None:
            import asyncpg

            with suppress(TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await self._connection.close(timeout=_LEAVING)
            self._connection.terminate()
            self._connection = None
        self._worker.stop()
