"""How a SQLite connection is made: durable, strict, and never left behind by a cancelled task."""

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, cast

import aiosqlite
from sqlalchemy import Connection, event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from hubbub.kit.db.checkpoints import LOG_KEPT_BYTES, LOG_PAGES
from hubbub.kit.db.turns import TurnPool, WriteTurns
from hubbub.settings import DatabaseSettings


def create_private(path: str) -> None:
    """Makes the file so that nobody else reads it, whatever its folder and the umask allow. SQLite
    gives what it puts beside it the same mode. A file that is there keeps the mode it has."""
    with suppress(OSError):  # SQLite says better than this what is wrong
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def sqlite_reader(dsn: str, settings: DatabaseSettings) -> AsyncEngine:
    engine = create_async_engine(
        dsn,
        async_creator=connector(dsn, read_only=True, busy_timeout=settings.busy_timeout),
        pool_size=settings.pool_size,
        max_overflow=settings.max_overflow,
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "begin", _begin_snapshot)
    return engine


def sqlite_writer(dsn: str, settings: DatabaseSettings, turns: WriteTurns) -> AsyncEngine:
    engine = create_async_engine(
        dsn,
        async_creator=connector(dsn, read_only=False, busy_timeout=settings.busy_timeout),
        poolclass=TurnPool,
        turns=turns,
        pool_size=1,
        max_overflow=0,
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "begin", _begin_writing)
    return engine


def _begin_snapshot(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_writing(connection: Connection) -> None:
    # at once, not at the first write: a transaction that begins by reading can be refused later
    connection.exec_driver_sql("BEGIN IMMEDIATE")


async def uninterrupted[T](work: Awaitable[T]) -> T:
    """Waits for `work` to its end even when cancelled, and passes the cancellation on then."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    ended = asyncio.Event()  # for one task, a third of the price of asyncio.wait
    task.add_done_callback(lambda _: ended.set())
    while not task.done():
        try:
            await ended.wait()
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # retrieved, so that it isn't reported as lost
    raise cancelled


class _Connection(aiosqlite.Connection):
    async def _connect(self) -> aiosqlite.Connection:
        """A connection that nobody waits for any more is closed, not dropped."""
        try:
            return await uninterrupted(super()._connect())
        except asyncio.CancelledError:
            await uninterrupted(self.close())
            raise


class _ReaderConnection(_Connection):
    """A statement that nobody waits for any more is broken off: a large sum would go on for
    minutes, and what comes behind it, such as the end of the session, would wait for it."""

    async def _execute[T](self, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        try:
            running: Awaitable[T] = super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]
            return await running
        except asyncio.CancelledError:
            self._conn.interrupt()
            raise


class _WriterConnection(_Connection):
    """A statement that has begun in the driver's thread ends before anybody else may write."""

    async def _execute[T](self, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        running: Awaitable[T] = super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]
        return await uninterrupted(running)


def connector(
    dsn: str, *, read_only: bool, busy_timeout: float
) -> Callable[[], Awaitable[aiosqlite.Connection]]:
    """What the engine calls for each new connection."""
    path = cast("str", make_url(dsn).database)

    def connect() -> sqlite3.Connection:
        create_private(path)
        # autocommit here: BEGIN is ours to say, see above
        connection = sqlite3.connect(
            path, timeout=busy_timeout, isolation_level=None, cached_statements=256
        )
        try:
            prepare(connection, read_only=read_only)
        except BaseException:
            connection.close()
            raise
        return connection

    def create() -> Awaitable[aiosqlite.Connection]:
        kind = _ReaderConnection if read_only else _WriterConnection
        connection = kind(connect, iter_chunk_size=64)
        # a hub that ends must not wait for idle driver threads
        connection._thread.daemon = True  # noqa: SLF001
        return connection

    return create


def prepare(connection: sqlite3.Connection, *, read_only: bool) -> None:
    if not read_only:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {LOG_KEPT_BYTES}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA query_only = {'ON' if read_only else 'OFF'}")


def copy_while_written(source: Path, target: Path) -> None:
    """Makes a copy of one moment, in one file; whoever writes to `source` goes on."""
    create_private(str(target))
    with closing(sqlite3.connect(source)) as origin, closing(sqlite3.connect(target)) as copy:
        prepare(origin, read_only=True)
        origin.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
        said = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
    if said != "ok":
        raise _corrupt(said)


def _corrupt(what: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(what)
    error.sqlite_errorname = "SQLITE_CORRUPT"
    return error
