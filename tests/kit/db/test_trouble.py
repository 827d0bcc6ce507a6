"""What passes by itself is told as 503; what is wrong for good is not."""

import asyncio
import signal
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from hubbub.kit.db.database import Database, DatabaseUnavailable
from hubbub.kit.db.dialect import is_retryable
from hubbub.settings import DatabaseSettings
from tests.fixtures.peers import PostgresServer, free_port
from tests.kit.db.conftest import create_tables
from tests.kit.db.models import Thing


async def read(database: Database) -> list[str]:
    async with database.read() as session:
        return list(await session.scalars(select(Thing.name)))


async def write(database: Database, name: str = "a") -> None:
    async with database.write() as session:
        session.add(Thing(name=name))


async def test_a_file_that_another_process_has_locked(
    sqlite: Database, neighbour: sqlite3.Connection
) -> None:
    neighbour.execute("BEGIN IMMEDIATE")

    with pytest.raises(DatabaseUnavailable):
        await write(sqlite)

    neighbour.execute("ROLLBACK")
    await write(sqlite)
    assert await read(sqlite) == ["a"]


async def test_a_full_disk(sqlite: Database) -> None:
    async with sqlite.write() as session:
        pages = await session.scalar(text("PRAGMA page_count"))
        await session.execute(text(f"PRAGMA max_page_count = {pages}"))

    with pytest.raises(DatabaseUnavailable):
        await write(sqlite, "x" * 100_000)

    assert await read(sqlite) == []
    async with sqlite.write() as session:
        await session.execute(text("PRAGMA max_page_count = 100000"))
    await write(sqlite)
    assert await read(sqlite) == ["a"]


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "hubbub.db"
    path.write_bytes(b"no database at all" * 100)
    database = Database(f"sqlite+aiosqlite:///{path}", DatabaseSettings())

    for use in (read, write):
        with pytest.raises(DatabaseUnavailable):
            await use(database)
    await database.close()


async def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/gone/hubbub.db", DatabaseSettings())

    for use in (read, write):
        with pytest.raises(DatabaseUnavailable):
            await use(database)
    await database.close()


async def test_what_a_constraint_refuses_is_not_worth_a_retry(database: Database) -> None:
    await write(database)

    with pytest.raises(IntegrityError) as caught:
        await write(database)

    assert not is_retryable(caught.value)


async def test_a_wrong_statement_is_not_worth_a_retry(database: Database) -> None:
    with pytest.raises(DBAPIError) as caught:
        async with database.read() as session:
            await session.execute(text("SELECT nothing FROM nowhere"))

    assert not is_retryable(caught.value)
    assert not is_retryable(ValueError())


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
async def stoppable(server: PostgresServer) -> AsyncIterator[Database]:
    """A database on a server that the test may stop."""
    dsn = server.dsn.replace("postgresql:", "postgresql+asyncpg:")
    database = Database(dsn, DatabaseSettings(pool_size=3, max_overflow=0))
    await create_tables(database)
    async with database.write() as session:
        await session.execute(text("TRUNCATE thing CASCADE"))
    yield database
    await database.close()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
async def test_a_server_that_stops_and_comes_back(
    server: PostgresServer, stoppable: Database, how: signal.Signals
) -> None:
    server.stop(how)
    try:
        for _ in range(5):  # more often than there are connections to find out about it
            for use in (read, write):
                with pytest.raises(DatabaseUnavailable):
                    await use(stoppable)
    finally:
        server.start()

    await write(stoppable)
    assert await read(stoppable) == ["a"]


async def test_a_server_that_stops_under_an_open_transaction(
    server: PostgresServer, stoppable: Database
) -> None:
    async def write_through_a_stop() -> None:
        async with stoppable.write() as session:
            session.add(Thing(name="lost"))
            await session.flush()
            server.stop()

    try:
        with pytest.raises(DatabaseUnavailable):
            await write_through_a_stop()
    finally:
        server.start()

    assert await read(stoppable) == []


async def test_a_connection_that_an_operator_kills(stoppable: Database) -> None:
    async def write_and_be_killed() -> None:
        async with stoppable.write() as session:
            pid = await session.scalar(text("SELECT pg_backend_pid()"))
            async with stoppable.write() as operator:
                await operator.execute(text(f"SELECT pg_terminate_backend({pid})"))
            session.add(Thing(name="lost"))

    with pytest.raises(DatabaseUnavailable):
        await write_and_be_killed()
    assert await read(stoppable) == []


@pytest.mark.parametrize(
    "authority", ["postgres@127.0.0.1:{closed}", "nobody-known@127.0.0.1:{port}"]
)
async def test_a_server_that_does_not_let_us_in(server: PostgresServer, authority: str) -> None:
    where = authority.format(closed=free_port(), port=server.port)
    database = Database(f"postgresql+asyncpg://{where}/postgres", DatabaseSettings())

    with pytest.raises(DatabaseUnavailable):
        await write(database)
    with pytest.raises(DatabaseUnavailable):
        await database.ping()
    await database.close()


async def test_a_deadlock(postgresql: Database) -> None:
    async with postgresql.write() as session:
        session.add_all([Thing(name="a"), Thing(name="b")])
    lock = "UPDATE thing SET note = 'x' WHERE name = :name"

    async def cross() -> None:
        async with postgresql.write() as one, postgresql.write() as other:
            await one.execute(text("SET LOCAL deadlock_timeout = '10ms'"))
            await one.execute(text(lock), {"name": "a"})
            await other.execute(text(lock), {"name": "b"})
            await other.execute(text("SET LOCAL lock_timeout = '20s'"))
            waiting = asyncio.create_task(other.execute(text(lock), {"name": "a"}))
            try:
                await one.execute(text(lock), {"name": "b"})
            finally:
                waiting.cancel()
                await asyncio.wait([waiting])

    with pytest.raises(DatabaseUnavailable) as caught:
        await cross()
    assert sqlstate(caught.value) == "40P01"


async def test_two_serializable_transactions_that_contradict(postgresql: Database) -> None:
    await write(postgresql)
    change = "UPDATE thing SET note = note || 'x'"

    async def collide() -> None:
        async with postgresql.write() as one:
            await one.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            await one.execute(select(Thing))
            async with postgresql.write() as other:
                await other.execute(text(change))
            await one.execute(text(change))

    with pytest.raises(DatabaseUnavailable) as caught:
        await collide()
    assert sqlstate(caught.value) == "40001"


def sqlstate(error: BaseException) -> object:
    assert isinstance(error.__cause__, DBAPIError)
    return getattr(error.__cause__.orig, "sqlstate", None)
