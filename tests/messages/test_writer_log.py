"""SQLite's log under a steady storm: it stays small, and emptying it keeps nobody waiting."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy.engine import make_url

from hubbub.kit.db.checkpoints import LOG_PAGES
from hubbub.kit.db.turns import WriteTurns
from hubbub.kit.ids import new_id
from hubbub.messages.writer.batch import store
from hubbub.messages.writer.draft import Draft, Stored
from hubbub.messages.writer.sqlite import SqliteStore
from hubbub.messages.writer.steps import Limits
from tests.faults.processes import until

PAGE = 4096
ALICE, BOB = str(uuid4()), str(uuid4())


@pytest.fixture
def file(sqlite_dsn: str) -> Path:
    path = Path(str(make_url(sqlite_dsn).database))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        columns = [
            row for row in connection.execute("PRAGMA table_info(agent)") if row[3] or row[5]
        ]
        for agent_id, handle in ((ALICE, "alice"), (BOB, "bob")):
            known = {"id": agent_id, "handle": handle, "kind": "agent", "accepts": "everyone"}
            values = [known.get(row[1], "2026-01-01 00:00:00.000000") for row in columns]
            names = ", ".join(row[1] for row in columns)
            places = ", ".join("?" for _ in columns)
            connection.execute(f"INSERT INTO agent ({names}) VALUES ({places})", values)
    return path


@pytest.fixture
async def writer(sqlite_dsn: str) -> AsyncIterator[SqliteStore]:
    writer = SqliteStore(sqlite_dsn, 5, WriteTurns(lambda _: None))
    yield writer
    await writer.close()


def size(file: Path) -> int:
    return file.stat().st_size


def size_of_log(file: Path) -> int:
    return size(file.with_name(f"{file.name}-wal"))


async def write(writer: SqliteStore, count: int, size: int) -> None:
    drafts = [
        Draft(str(new_id()), ALICE, (BOB,), (), ["agent:bob"], "x" * size, "text/plain")
        for _ in range(count)
    ]
    limits, now = Limits(50, 10**9), datetime.now(UTC)
    outcomes = await writer.run(lambda: store(drafts, now, writer.forms, limits))
    assert all(isinstance(each, Stored) for each in outcomes)


async def test_it_does_not_grow_with_what_is_written(writer: SqliteStore, file: Path) -> None:
    largest = 0

    for _ in range(100):
        await write(writer, 64, 25_000)
        largest = max(largest, size_of_log(file))

    most = 1.5 * LOG_PAGES * PAGE
    assert size(file) + largest > 1.5 * most
    assert largest < most


async def test_it_is_emptied_before_a_commit_has_to(writer: SqliteStore, file: Path) -> None:
    before = size(file)

    for _ in range(60):
        await write(writer, 64, 200)

    assert size_of_log(file) < LOG_PAGES * PAGE
    until(lambda: size(file) > before)
