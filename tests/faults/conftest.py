"""These tests start real processes on databases of their own, so one run of them is enough."""

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hubbub.kit.db import migrate
from tests.faults.processes import Workplace

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--distributed"):
        return
    again = [item for item in items if HERE in item.path.parents]
    config.hook.pytest_deselected(items=again)
    items[:] = [item for item in items if item not in again]


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    """An empty folder to start hubs in, and an environment without anybody's settings."""
    folder = tmp_path / "work"
    folder.mkdir()
    env = {name: value for name, value in os.environ.items() if not name.startswith("HUBBUB_")}
    env |= {"HUBBUB_ENVIRONMENT": "local", "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}
    return Workplace(folder, env)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "hubbub.db"
    asyncio.run(migrate.upgrade(f"sqlite+aiosqlite:///{path}"))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")  # as a hub leaves it
    return path
