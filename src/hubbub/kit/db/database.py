"""The database as a resource: engines in, sessions out, commits at the boundary."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import structlog
from sqlalchemy import event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hubbub.kit.db.dialect import is_retryable, is_write_refusal
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.db.sqlite import sqlite_reader, sqlite_writer, uninterrupted
from hubbub.kit.db.turns import WriteTurns
from hubbub.kit.errors import AppError, Unavailable
from hubbub.settings import DatabaseSettings

log = structlog.get_logger()

PING_SECONDS = 2.0


class DatabaseUnavailable(Unavailable):
    code = "database_unavailable"
    # a commit may have happened though its answer was lost
    title = (
        "The database can't be reached or is busy; try again, with the same Idempotency-Key if you"
        " gave one"
    )


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
        self._hearers: defaultdict[str, list[Callable[[str], None]]] = defaultdict(list)
        if self.turns is not None:
            self.read_engine = sqlite_reader(dsn, settings)
            self.write_engine = sqlite_writer(dsn, settings, self.turns)
        else:
            from hubbub.kit.db.postgresql import postgresql_engine

            self.write_engine = postgresql_engine(dsn, settings)
            self.read_engine = self.write_engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncReadSession]:
        """A snapshot to read from."""
        with _unavailable_when_in_trouble(reading=True):
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
        with _unavailable_when_in_trouble():
            session = AsyncWriteSession(self.write_engine, expire_on_commit=False)
            try:
                try:
                    yield session
                except AppError as error:
                    if error.keeps_writes:
                        await self._commit(session)
                    raise
                await self._commit(session)
            finally:
                await uninterrupted(session.close())

    async def _commit(self, session: AsyncWriteSession) -> None:
        # apart from the commit, because a first statement here may have to wait for its turn:
        # that wait belongs to this task and ends when the task is cancelled
        await session.flush()
        await uninterrupted(self._commit_and_ring(session))

    async def _commit_and_ring(self, session: AsyncWriteSession) -> None:
        await session.commit()
        for topic, message in session.told:
            self.tell(topic, message)
        for signal in session.signals:
            self.ring(signal)

    def listen(self, signal: str, ring: Callable[[], None]) -> None:
        """Calls `ring` after each commit that raised `signal`; a hint, the tables are the truth."""
        self._listeners[signal].append(ring)

    def hear(self, topic: str, hear: Callable[[str], None]) -> None:
        """Calls `hear` with each event of that topic as soon as it is committed in this process,
        before anybody is answered. Other processes hear of it by the bus, a little later."""
        self._hearers[topic].append(hear)

    def tell(self, topic: str, message: str) -> None:
        """For a commit that went past the sessions."""
        for hear in self._hearers[topic]:
            hear(message)

    def ring(self, signal: str) -> None:
        for ring in self._listeners[signal]:
            ring()

    async def ping(self) -> None:
        """Raises `DatabaseUnavailable` unless the database answers in time."""
        try:
            async with asyncio.timeout(PING_SECONDS), self.read() as session:
                await session.execute(text("SELECT 1"))
        except TimeoutError as error:
            raise DatabaseUnavailable from error

    async def close(self) -> None:
        await self.read_engine.dispose()
        await self.write_engine.dispose()


def _refuse_flush(session: Session, *_: object) -> None:
    if session.new or session.dirty or session.deleted:
        msg = "a read session was asked to write"
        raise RuntimeError(msg)


@contextmanager
def _unavailable_when_in_trouble(*, reading: bool = False) -> Iterator[None]:
    """Turns what a broken or busy database raises into the 503 that a caller may see."""
    try:
        yield
    except SQLAlchemyError as error:
        # to write where one may only read is a mistake of ours, and no wait will mend it
        if not is_retryable(error) or (reading and is_write_refusal(error)):
            raise
        # no traceback: in an outage each request would write a page
        reason = getattr(error, "orig", None) or error.__cause__ or error
        log.warning("database.unavailable", error=type(reason).__name__, reason=str(reason)[:200])
        raise DatabaseUnavailable from error
