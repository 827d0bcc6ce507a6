"""How a SQLite connection is made: durable, strict, and never left behind by a cancelled task."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any, cast

import aiosqlite
from sqlalchemy.engine import make_url


async def uninterrupted[T](work: Awaitable[T]) -> T:
    """Waits for `work` to its end even when cancelled, and passes the cancellation on then."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled():
                raise
            cancelled = error
        except Exception:  # noqa: BLE001 - raised below by result(), after any cancellation
            break
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # retrieved, so that it isn't reported as lost
        raise cancelled
    return task.result()


class _WriterConnection(aiosqlite.Connection):
    """A statement that has begun in the driver's thread ends before anybody else may write."""

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await uninterrupted(super()._execute(fn, *args, **kwargs))


def connector(
    dsn: str, *, read_only: bool, busy_timeout: float
) -> Callable[[], Awaitable[aiosqlite.Connection]]:
    """What the engine calls for each new connection."""
    path = cast(str, make_url(dsn).database)

    def connect() -> sqlite3.Connection:
        # autocommit here: BEGIN is ours to say, see sessions.py
        connection = sqlite3.connect(
            path, timeout=busy_timeout, isolation_level=None, cached_statements=256
        )
        try:
            _prepare(connection, read_only=read_only)
        except BaseException:
            connection.close()
            raise
        return connection

    def create() -> Awaitable[aiosqlite.Connection]:
        kind = aiosqlite.Connection if read_only else _WriterConnection
        connection = kind(connect, iter_chunk_size=64)
        # a hub that ends must not wait for idle driver threads
        connection._thread.daemon = True  # noqa: SLF001
        return connection

    return create


def _prepare(connection: sqlite3.Connection, *, read_only: bool) -> None:
    if not read_only:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA query_only = {'ON' if read_only else 'OFF'}")
