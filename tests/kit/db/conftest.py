import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing

import pytest
from sqlalchemy.engine import make_url

from hubbub.kit.db.database import Database
from hubbub.settings import DatabaseSettings
from tests.kit.db.models import OwnBase


@pytest.fixture
def holds() -> list[float]:
    """How long each turn at writing was held, on SQLite."""
    return []


@pytest.fixture
async def database(dsn: str, holds: list[float]) -> AsyncIterator[Database]:
    """A database of the kind this run is for, with the tests' own tables."""
    settings = DatabaseSettings(pool_size=5, max_overflow=5, busy_timeout=0.2)
    database = Database(dsn, settings, observe_hold=holds.append)
    await create_tables(database)
    yield database
    await database.close()


@pytest.fixture
async def sqlite(sqlite_dsn: str, holds: list[float]) -> AsyncIterator[Database]:
    """A SQLite database, whichever kind this run is for."""
    database = Database(sqlite_dsn, DatabaseSettings(busy_timeout=0.05), observe_hold=holds.append)
    await create_tables(database)
    holds.clear()
    yield database
    await database.close()


@pytest.fixture
async def postgresql(postgres_dsn: str) -> AsyncIterator[Database]:
    """A PostgreSQL database, whichever kind this run is for."""
    database = Database(postgres_dsn, DatabaseSettings(pool_size=5, max_overflow=5))
    await create_tables(database)
    yield database
    await database.close()


@pytest.fixture
def neighbour(sqlite: Database) -> Iterator[sqlite3.Connection]:
    """Another process's connection to the same file."""
    path = sqlite.write_engine.url.database
    assert path is not None
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        yield connection


async def create_tables(database: Database) -> None:
    async with database.write_engine.begin() as connection:
        await connection.run_sync(OwnBase.metadata.create_all)


def file_of(dsn: str) -> str:
    path = make_url(dsn).database
    assert path is not None
    return path
