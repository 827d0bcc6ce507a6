import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from hubbub.kit.db import migrate
from hubbub.kit.db.database import Database, DatabaseUnavailable
from hubbub.kit.db.sqlite import create_private
from hubbub.kit.db.turns import AlreadyWritingError
from hubbub.kit.ids import new_id
from hubbub.settings import DatabaseSettings
from tests.kit.db.models import Part, Thing


async def pragma(database: Database, name: str, *, write: bool) -> object:
    async with database.write() if write else database.read() as session:
        return await session.scalar(text(f"PRAGMA {name}"))


async def test_what_is_committed_survives_a_power_cut(sqlite: Database) -> None:
    assert await pragma(sqlite, "journal_mode", write=True) == "wal"
    assert await pragma(sqlite, "synchronous", write=True) == 2  # FULL


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    """A folder that everybody may look into."""
    tmp_path.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("write", [True, False])
async def test_a_new_file_is_its_owners_alone(open_folder: Path, write: bool) -> None:
    database = Database(f"sqlite+aiosqlite:///{open_folder}/new.db", DatabaseSettings())
    try:
        await pragma(database, "user_version", write=write)
        async with database.write() as session:
            await session.execute(text("CREATE TABLE thing (id)"))

            names = "new.db", "new.db-wal", "new.db-shm"
            assert modes(open_folder) == dict.fromkeys(names, 0o600)
    finally:
        await database.close()


async def test_a_file_made_by_a_migration_is_its_owners_alone(open_folder: Path) -> None:
    await migrate.upgrade(f"sqlite+aiosqlite:///{open_folder}/new.db")

    assert modes(open_folder)["new.db"] == 0o600


def test_the_mode_that_somebody_gave_a_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "shared.db"
    path.touch()
    path.chmod(0o640)

    create_private(str(path))

    assert modes(tmp_path)["shared.db"] == 0o640


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


@pytest.mark.parametrize("write", [True, False])
async def test_foreign_keys_hold(sqlite: Database, write: bool) -> None:
    assert await pragma(sqlite, "foreign_keys", write=write) == 1


async def test_a_row_that_points_nowhere_is_refused(sqlite: Database) -> None:
    with pytest.raises(IntegrityError):
        async with sqlite.write() as session:
            session.add(Part(thing_id=new_id()))


async def test_a_write_session_keeps_other_writers_out_from_its_first_statement(
    sqlite: Database, neighbour: sqlite3.Connection
) -> None:
    async with sqlite.write() as session:
        neighbour.execute("BEGIN IMMEDIATE").execute("ROLLBACK")

        await session.scalar(select(func.count()).select_from(Thing))

        with pytest.raises(sqlite3.OperationalError, match="locked"):
            neighbour.execute("BEGIN IMMEDIATE")
    neighbour.execute("BEGIN IMMEDIATE")


async def test_many_writers_at_once_all_get_through(sqlite: Database) -> None:
    async def add(number: int) -> None:
        async with sqlite.write() as session:
            count = await session.scalar(select(func.count()).select_from(Thing))
            session.add(Thing(name=f"{number}", taken_by=count))

    await asyncio.gather(*(add(number) for number in range(60)))

    async with sqlite.read() as session:
        counts = await session.scalars(select(Thing.taken_by).order_by(Thing.taken_by))
    assert counts.all() == list(range(60))


async def test_writers_take_turns_in_the_order_in_which_they_came(sqlite: Database) -> None:
    order: list[int] = []

    async def write(number: int) -> None:
        async with sqlite.write() as session:
            await session.execute(text("SELECT 1"))
            order.append(number)

    async with sqlite.write() as session:
        await session.execute(text("SELECT 1"))
        waiting = [asyncio.create_task(write(number)) for number in range(8)]
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)

    assert order == list(range(8))


async def test_a_session_that_has_not_spoken_yet_keeps_nobody_waiting(
    sqlite: Database, holds: list[float]
) -> None:
    async with sqlite.write() as silent:
        silent.add(Thing(name="silent"))
        async with sqlite.write() as busy:
            busy.add(Thing(name="busy"))
        assert len(holds) == 1  # the other one has had its turn and is through

    assert len(holds) == 2


@pytest.mark.parametrize("waiting", [0, 3])
async def test_a_second_write_session_in_one_task_is_an_error_and_not_a_hang(
    sqlite: Database, waiting: int
) -> None:
    async def other() -> None:
        async with sqlite.write() as session:
            await session.execute(text("SELECT 1"))

    async with sqlite.write() as first:
        await first.execute(text("SELECT 1"))
        others = [asyncio.create_task(other()) for _ in range(waiting)]
        await asyncio.sleep(0)

        async with asyncio.timeout(5):
            with pytest.raises(AlreadyWritingError):
                async with sqlite.write() as second:
                    await second.execute(text("SELECT 1"))
            with pytest.raises(AlreadyWritingError):
                async with sqlite.write() as second:
                    second.add(Thing(name="only flushed by the commit"))
    await asyncio.gather(*others)


async def test_who_waits_too_long_for_his_turn_is_told_to_come_back(sqlite: Database) -> None:
    assert sqlite.turns is not None
    sqlite.turns.patience = 0.01

    await sqlite.turns.take()
    try:

        async def write() -> None:
            async with sqlite.write() as session:
                await session.execute(text("SELECT 1"))

        with pytest.raises(DatabaseUnavailable):
            await asyncio.create_task(write())
    finally:
        sqlite.turns.release()
