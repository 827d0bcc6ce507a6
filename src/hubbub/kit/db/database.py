"""The database as a resource: engines in, sessions out, commits at the boundary."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
from asyncpg.exceptions import PostgresError
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import Session

from hubbub.kit.db.dialect import is_retryable
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.db.sqlite import connector, uninterrupted
from hubbub.kit.db.turns import WriteTurns
from hubbub.kit.errors import AppError, Unavailable
from hubbub.settings import DatabaseSettings

log = structlog.get_logger()


class DatabaseUnavailable(Unavailable):
    code = "database_unavailable"
    title = "The database can't be reached or is busy; nothing was stored, try again"


class Database:
    """Sessions for both databases. `read` never waits for a writer."""

    def __init__(
        self,
        dsn: str,
        settings: DatabaseSettings,
        *,
        observe_hold: Callable[[float], None] = lambda _: None,
    ) -> None:
        self.is_sqlite = dsn.startswith("sqlite")
        self.turns = WriteTurns(observe_hold) if self.is_sqlite else None
        self._listeners: defaultdict[str, list[Callable[[], None]]] = defaultdict(list)
        if self.is_sqlite:
            self.read_engine = self._sqlite_engine(dsn, settings, read_only=True)
            self.write_engine = self._sqlite_engine(dsn, settings, read_only=False)
            event.listen(self.read_engine.sync_engine, "begin", _begin_snapshot)
        else:
            self.write_engine = create_async_engine(
                make_url(dsn),
                pool_size=settings.pool_size,
                max_overflow=settings.max_overflow,
                pool_pre_ping=True,
                connect_args={"server_settings": {"synchronous_commit": "on"}},
            )
            self.read_engine = self.write_engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )

    @staticmethod
    def _sqlite_engine(dsn: str, settings: DatabaseSettings, *, read_only: bool) -> AsyncEngine:
        create = connector(dsn, read_only=read_only, busy_timeout=settings.busy_timeout)
        return create_async_engine(
            dsn,
            async_creator=create,
            pool_size=settings.pool_size if read_only else 2,
            max_overflow=settings.max_overflow if read_only else 0,
        )

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncReadSession]:
        """A snapshot to read from."""
        with _translated():
            session = AsyncReadSession(self.read_engine, expire_on_commit=False, autoflush=False)
            event.listen(session.sync_session, "before_flush", _refuse_flush)
            try:
                yield session
            finally:
                await uninterrupted(session.close())

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncWriteSession]:
        """A transaction: committed when the block ends, rolled back when it raises.

        An `AppError` that `keeps_writes` is the one exception: it refuses the caller, and what
        was written before it stays.
        """
        with _translated():
            session = AsyncWriteSession(
                self.write_engine, expire_on_commit=False, info={"turns": self.turns}
            )
            try:
                try:
                    yield session
                except AppError as error:
                    if error.keeps_writes:
                        await self._commit(session)
                    raise
                await self._commit(session)
            finally:
                try:
                    await uninterrupted(session.close())
                finally:
                    if session.holds_turn and self.turns is not None:
                        self.turns.release()

    async def _commit(self, session: AsyncWriteSession) -> None:
        await uninterrupted(session.commit())
        for signal in session.signals:
            self.ring(signal)

    def listen(self, signal: str, ring: Callable[[], None]) -> None:
        """Calls `ring` after each commit that raised `signal`; a hint, the tables are the truth."""
        self._listeners[signal].append(ring)

    def ring(self, signal: str) -> None:
        for ring in self._listeners[signal]:
            ring()

    async def ping(self, timeout: float = 2.0) -> None:
        """Raises `DatabaseUnavailable` unless the database answers in time."""
        try:
            async with asyncio.timeout(timeout), self.read() as session:
                await session.execute(text("SELECT 1"))
        except TimeoutError as error:
            raise DatabaseUnavailable from error

    async def close(self) -> None:
        await self.read_engine.dispose()
        await self.write_engine.dispose()


def _begin_snapshot(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _refuse_flush(session: Session, *_: object) -> None:
    if session.new or session.dirty or session.deleted:
        msg = "a read session was asked to write"
        raise RuntimeError(msg)


class _translated:  # noqa: N801 - used as `with _translated():`
    """Turns what a broken or busy database raises into the 503 that a caller may see."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, DBAPIError | PoolTimeout) and is_retryable(error):
            log.warning("database.unavailable", error=type(error).__name__, exc_info=error)
            raise DatabaseUnavailable from error
        # the driver raises its own while connecting, before SQLAlchemy can wrap it
        if isinstance(error, PostgresError | ConnectionError):
            log.warning("database.unavailable", error=type(error).__name__, exc_info=error)
            raise DatabaseUnavailable from error
