"""These tests start real processes on databases of their own."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hubbub.kit.db import migrate
from tests.faults.processes import Workplace, clean_environment
from tests.faults.storm import SETTINGS
from tests.fixtures.peers import PostgresServer


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    """An empty folder to start hubs in, and an environment without anybody's settings."""
    folder = tmp_path / "work"
    folder.mkdir()
    return Workplace(folder, clean_environment())


@pytest.fixture
def live_place(
    request: pytest.FixtureRequest, workplace: Workplace, distributed: bool
) -> Workplace:
    """For hubs on what this run is for."""
    workplace.env |= SETTINGS
    if distributed:
        dsn = str(request.getfixturevalue("postgres_dsn"))
        workplace.env["HUBBUB_DATABASE_URL"] = dsn.replace("+asyncpg", "")
        workplace.env["HUBBUB_REDIS_URL"] = request.getfixturevalue("valkey_url")
    return workplace


@pytest.fixture(params=["sqlite", "postgresql"])
def storm_place(request: pytest.FixtureRequest, workplace: Workplace) -> Iterator[Workplace]:
    workplace.env |= SETTINGS
    if request.param == "sqlite":
        yield workplace
        return
    server = PostgresServer(durable=True)
    try:
        server.start()
        workplace.env["HUBBUB_DATABASE_URL"] = server.dsn
        yield workplace
    finally:
        server.remove()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "hubbub.db"
    asyncio.run(migrate.upgrade(f"sqlite+aiosqlite:///{path}"))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")  # as a hub leaves it
    return path
