import asyncio

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from hubbub.kit.db.database import Database, DatabaseUnavailable
from hubbub.kit.errors import Conflict
from tests.kit.db.models import Thing


class KeptRefusal(Conflict):
    keeps_writes = True


async def names(database: Database) -> list[str]:
    async with database.read() as session:
        return list(await session.scalars(select(Thing.name).order_by(Thing.name)))


async def test_a_write_session_commits_when_its_block_ends(database: Database) -> None:
    async with database.write() as session:
        session.add(Thing(name="kept"))

    assert await names(database) == ["kept"]


async def write_and_raise(database: Database, error: BaseException) -> None:
    async with database.write() as session:
        session.add(Thing(name="a"))
        session.signal("things")
        await session.flush()
        raise error


@pytest.mark.parametrize(
    ("error", "stored"),
    [(KeptRefusal(), ["a"]), (Conflict(), []), (ValueError(), []), (KeyboardInterrupt(), [])],
)
async def test_only_an_error_that_says_so_keeps_what_was_written(
    database: Database, error: BaseException, stored: list[str]
) -> None:
    with pytest.raises(type(error)):
        await write_and_raise(database, error)

    assert await names(database) == stored


async def test_a_signal_rings_after_the_commit_and_only_then(database: Database) -> None:
    heard: list[str] = []
    database.listen("things", lambda: heard.append("ring"))

    async with database.write() as session:
        session.add(Thing(name="a"))
        session.signal("things")
        session.signal("things")
        await session.flush()
        assert heard == []
    assert heard == ["ring"]

    with pytest.raises(IntegrityError):  # a second one of that name
        await write_and_raise(database, ValueError())
    assert heard == ["ring"]


async def test_what_was_read_is_still_there_after_the_session(database: Database) -> None:
    async with database.write() as session:
        thing = Thing(name="a")
        session.add(thing)

    assert thing.name == "a"
    assert thing.at.tzinfo is not None


async def test_a_read_session_refuses_to_flush(database: Database) -> None:
    async with database.read() as session:
        session.add(Thing(name="a"))
        with pytest.raises(RuntimeError, match="read session"):
            await session.flush()

    assert await names(database) == []


async def test_a_read_session_refuses_to_write_by_statement(database: Database) -> None:
    with pytest.raises(SQLAlchemyError, match=r"(?i)read-?only"):
        async with database.read() as session:
            await session.execute(insert(Thing).values(name="a"))

    assert await names(database) == []


async def test_a_read_session_does_not_wait_for_a_writer_and_sees_one_snapshot(
    database: Database,
) -> None:
    async with database.read() as reader:
        before = list(await reader.scalars(select(Thing.name)))
        async with database.write() as writer:
            writer.add(Thing(name="a"))
            await writer.flush()
            async with asyncio.timeout(5):
                assert await names(database) == []
        within = list(await reader.scalars(select(Thing.name)))

    assert before == within == []
    assert await names(database) == ["a"]


@pytest.mark.parametrize("error", [None, ValueError()])
async def test_sessions_give_their_connections_back(
    database: Database, error: Exception | None
) -> None:
    async def use() -> None:
        async with database.read() as reader, database.write() as writer:
            await reader.execute(text("SELECT 1"))
            await writer.execute(text("SELECT 1"))
            if error is not None:
                raise error

    for _ in range(30):  # more than the pool has
        if error is None:
            await use()
        else:
            with pytest.raises(type(error)):
                await use()

    for engine in (database.read_engine, database.write_engine):
        assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]


async def test_a_pool_that_stays_empty_is_told_as_unavailable(database: Database) -> None:
    database.read_engine.pool._timeout = 0.01  # type: ignore[attr-defined]
    held = [database.read() for _ in range(10)]
    for reader in held:
        await (await reader.__aenter__()).execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailable):
        await names(database)

    for reader in held:
        await reader.__aexit__(None, None, None)
    assert await names(database) == []


async def test_what_is_bound_to_a_statement_is_not_told_in_its_error(database: Database) -> None:
    with pytest.raises(IntegrityError) as caught:
        async with database.write() as session:
            session.add_all([Thing(name="a"), Thing(name="a", note="hunter2")])

    assert "hunter2" not in str(caught.value)
