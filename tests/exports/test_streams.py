"""An export on its way: what it sees, who waits for it, and how it ends."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from structlog.testing import capture_logs

from hubbub.exports.state import Gate
from hubbub.kit.ids import new_id
from hubbub.kit.resources import Resources
from hubbub.messages.models import Message
from hubbub.messages.types import ContentType, Priority
from hubbub.settings import ExportSettings, Settings
from tests.exports.helpers import EXPORTS, export, rows
from tests.fixtures.people import Person
from tests.fixtures.reading import Reads
from tests.fixtures.waiting import eventually
from tests.messages.conftest import Talker
from tests.messages.helpers import refusal
from tests.realtime.conftest import served, serving

__all__ = ["served"]

ROWS, SIZE = 3000, 10_000
"""More than the buffers between two sockets hold."""


def message(sender: Talker, content: str, **values: Any) -> Message:
    made = new_id()
    given = {
        "content_type": ContentType.TEXT,
        "priority": Priority.NORMAL,
        "addressed": ["agent:bob"],
        "hops": 1,
        "created_at": datetime.now(UTC),
    } | values
    return Message(id=made, thread_id=made, sender_id=sender.id, content=content, **given)


@pytest.fixture
async def much(hub: Resources, alice: Talker) -> None:
    """Messages that alice sent long ago."""
    async with hub.database.write() as session:
        session.add_all([message(alice, "x" * SIZE) for _ in range(ROWS)])


@pytest.fixture
async def read(served: int) -> AsyncIterator[Reads]:
    reads = Reads(served, f"{EXPORTS}/messages")
    yield reads
    for each in reads.all:
        each.leave()


def gate_of(app: FastAPI) -> Gate:
    gate: Gate = app.state.exports
    return gate


async def snapshots(hub: Resources) -> int:
    """How many are open: on PostgreSQL a transaction each, on SQLite what keeps its log."""
    if hub.database.is_sqlite:
        async with hub.database.write_engine.connect() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
            await connection.commit()
            raw = await connection.get_raw_connection()
            assert raw.driver_connection is not None
            found = await raw.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return int((await found.fetchone())[0])
    statement = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND query LIKE 'SELECT CAST(message.id%' AND xact_start IS NOT NULL"
        " AND pid <> pg_backend_pid()"
    )
    async with hub.database.read() as session:
        return int(await session.scalar(statement) or 0)


async def nothing_is_left(app: FastAPI, hub: Resources) -> None:
    async def is_over() -> bool:
        return gate_of(app).running == 0 and await snapshots(hub) == 0

    await eventually(is_over)


def is_whole(answer: bytes) -> bool:
    """Whether it has the end that HTTP asks for."""
    return answer.endswith(b"\r\n0\r\n\r\n")


@pytest.mark.usefixtures("much")
async def test_one_moment_is_what_it_shows(
    read: Reads, alice: Talker, bob: Talker, hub: Resources, app: FastAPI
) -> None:
    reading = await read(alice)
    for _ in range(5):
        assert (await alice.send(bob, content="meanwhile")).status_code == 201
    async with hub.database.write() as session:
        await session.execute(text("UPDATE message SET content = 'changed'"))

    answer = await reading.rest()

    assert is_whole(answer)
    content = re.sub(rb"\r\n[0-9a-f]+\r\n", b"", answer)
    assert content.count(b"x" * SIZE) == ROWS
    assert b"meanwhile" not in answer
    assert b"changed" not in answer
    await nothing_is_left(app, hub)
    assert len(await rows(alice, "messages")) == ROWS + 5


@pytest.mark.usefixtures("much")
async def test_few_at_a_time(
    read: Reads, alice: Talker, admin: Person, app: FastAPI, hub: Resources
) -> None:
    first, second = await read(alice), await read(alice.owner)

    refused = await export(admin, "users")

    assert refusal(refused) == (429, "too_many_exports")
    assert int(refused.headers["retry-after"]) > 0
    first.leave()
    await eventually(lambda: _is_let_in(admin))
    acts = await rows(admin, "activity")
    assert len([act for act in acts if act["action"] == "export.begun"]) == 4
    second.leave()
    await nothing_is_left(app, hub)


async def _is_let_in(who: Person) -> bool:
    return (await export(who, "users")).status_code == 200


@pytest.mark.usefixtures("much")
async def test_who_leaves_keeps_nothing_open(
    read: Reads, alice: Talker, app: FastAPI, hub: Resources
) -> None:
    reading = await read(alice)
    assert gate_of(app).running == 1

    reading.leave()

    await nothing_is_left(app, hub)


class TestStalling:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"exports": ExportSettings(stall_seconds=0.3)})

    @pytest.mark.usefixtures("much")
    async def test_who_reads_nothing_is_cut_off(
        self, read: Reads, alice: Talker, app: FastAPI, hub: Resources, served: int
    ) -> None:
        reading = await read(alice)

        await nothing_is_left(app, hub)

        assert not is_whole(await reading.rest())
        async with httpx2.AsyncClient() as client:
            assert (await client.get(f"http://127.0.0.1:{served}/healthz")).status_code == 200


class TestTrickling:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"exports": ExportSettings(max_seconds=0.5)})

    @pytest.mark.usefixtures("much")
    async def test_who_reads_little_by_little_is_cut_off(
        self, read: Reads, alice: Talker, app: FastAPI, hub: Resources
    ) -> None:
        reading = await read(alice)
        size = 0

        async def is_over() -> bool:
            nonlocal size
            size += len(await reading.some())
            return gate_of(app).running == 0

        await eventually(is_over)

        assert 0 < size < ROWS * SIZE
        assert not is_whole(await reading.rest())
        await nothing_is_left(app, hub)


@pytest.mark.usefixtures("much")
async def test_a_server_that_ends_waits_for_no_reader(
    app: FastAPI, settings: Settings, alice: Talker, hub: Resources
) -> None:
    async with asyncio.timeout(20):
        async with serving(app, settings) as port:
            reading = await Reads(port, f"{EXPORTS}/messages")(alice)
        answer = await reading.rest()
        reading.leave()

    assert not is_whole(answer)
    await nothing_is_left(app, hub)


@pytest.mark.usefixtures("much")
async def test_what_breaks_off_looks_so(
    read: Reads, alice: Talker, app: FastAPI, hub: Resources
) -> None:
    await _spoil_the_last(hub, alice)
    with capture_logs() as logs:
        reading = await read(alice)
        await _break(hub)
        answer = await reading.rest()
        await nothing_is_left(app, hub)

    assert answer
    assert not is_whole(answer)
    for word in (b"rror", b"raceback", b"problem", b"terminat"):
        assert word not in answer
    assert "request.crashed" in [line["event"] for line in logs]


async def _spoil_the_last(hub: Resources, sender: Talker) -> None:
    """What SQLite stores and nobody can read; PostgreSQL stores no such thing."""
    if not hub.database.is_sqlite:
        return
    last = message(sender, "spoilt")
    async with hub.database.write() as session:
        session.add(last)
        await session.flush()
        await session.execute(
            text("UPDATE message SET metadata = '{' WHERE id = :id"), {"id": str(last.id)}
        )


async def _break(hub: Resources) -> None:
    if hub.database.is_sqlite:
        return
    async with hub.database.write() as session:
        await session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query LIKE 'SELECT CAST(message.id%'"
                " AND pid <> pg_backend_pid()"
            )
        )
