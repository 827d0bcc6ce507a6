"""What is wrong with the shared database, and several processes that start on it at once."""

import asyncio
import base64
import secrets
from collections.abc import Iterator

import asyncpg
import pytest

from tests.faults.processes import HUBBUB, UVICORN, Workplace, end
from tests.fixtures.peers import create_database, drop_database, free_port, with_database

MIGRATION_LOCK = 0x48756262  # the one of migrations/env.py

both_ways = pytest.mark.parametrize(
    ("program", "args"),
    [(HUBBUB, ["serve", "--port", "0"]), (UVICORN, [])],
    ids=["serve", "uvicorn"],
)


@pytest.fixture
def empty(postgres: str, workplace: Workplace) -> Iterator[str]:
    """An empty database, which the workplace's hubs are to use."""
    dsn = asyncio.run(create_database(postgres))
    workplace.env |= {
        "HUBBUB_ENVIRONMENT": "production",
        "HUBBUB_DATABASE_URL": dsn,
        "HUBBUB_SECRET_KEY": secrets.token_hex(32),
        "HUBBUB_ENCRYPTION_KEYS": f"1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
    }
    yield dsn
    asyncio.run(drop_database(postgres, dsn))


@both_ways
def test_a_server_that_is_away(workplace: Workplace, program: list[str], args: list[str]) -> None:
    dsn = f"postgresql://hubbub:hunter2@127.0.0.1:{free_port()}/hubbub"

    said = workplace.refuses(*args, program=program, env={"HUBBUB_DATABASE_URL": dsn})

    assert "can't be reached" in said
    assert "HUBBUB_DATABASE_URL" in said
    assert "hunter2" not in said


def test_a_database_that_isnt_there(workplace: Workplace, postgres: str) -> None:
    dsn = with_database(postgres, "nowhere")

    said = workplace.refuses("migrate", env={"HUBBUB_DATABASE_URL": dsn})

    assert "database nowhere" in said
    assert "doesn't exist" in said


def test_an_option_that_nobody_knows(workplace: Workplace, postgres: str) -> None:
    dsn = f"{postgres.partition('?')[0]}?colour=blue"

    said = workplace.refuses("migrate", env={"HUBBUB_DATABASE_URL": dsn})

    assert "HUBBUB_DATABASE_URL" in said
    assert "option" in said


def test_a_database_that_isnt_migrated(workplace: Workplace, empty: str) -> None:
    for program, args in ((HUBBUB, ["serve", "--port", "0"]), (UVICORN, [])):
        assert "run `hubbub migrate`" in workplace.refuses(*args, program=program)

    assert workplace.run("migrate", "--check").returncode == 1
    assert workplace.run("migrate").returncode == 0
    assert workplace.run("migrate", "--check").returncode == 0
    workplace.works()


def test_on_a_desk_it_migrates_itself(workplace: Workplace, empty: str) -> None:
    workplace.env["HUBBUB_ENVIRONMENT"] = "local"

    workplace.works()


def test_a_database_of_a_newer_hub(workplace: Workplace, empty: str) -> None:
    assert workplace.run("migrate").returncode == 0
    asyncio.run(_execute(empty, "UPDATE alembic_version SET version_num = 'ffffffffffff'"))

    assert "newer" in workplace.refuses("migrate")


def test_migrating_waits_for_another_that_does(workplace: Workplace, empty: str) -> None:
    asyncio.run(_migrate_together(workplace, empty))

    assert workplace.run("migrate", "--check").returncode == 0


async def _migrate_together(workplace: Workplace, empty: str) -> None:
    other = await asyncpg.connect(empty)
    await other.execute(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
    processes = [workplace.start("migrate") for _ in range(3)]
    try:
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while await other.fetchval(waiting) < len(processes):
            assert all(process.poll() is None for process in processes)
        tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        assert await other.fetchval(tables) == 0

        await other.execute(f"SELECT pg_advisory_unlock({MIGRATION_LOCK})")
        assert [process.wait(30) for process in processes] == [0, 0, 0]
    finally:
        for process in processes:
            end(process)
        await other.close()


def test_several_workers_serve_together(workplace: Workplace, empty: str) -> None:
    assert workplace.run("migrate").returncode == 0

    with workplace.serving("--workers", "2") as hub:
        assert hub.ready()
        hub.process.terminate()
        assert hub.process.wait(20) == 0


def test_workers_that_cant_start_end_it(workplace: Workplace, empty: str) -> None:
    ended = workplace.run("serve", "--port", "0", "--workers", "2")

    assert ended.returncode != 0
    assert "run `hubbub migrate`" in ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr


def test_a_redis_that_is_away_doesnt_matter(workplace: Workplace) -> None:
    url = f"redis://127.0.0.1:{free_port()}/0"
    with workplace.serving(env={"HUBBUB_REDIS_URL": url}) as hub:
        assert hub.answers()


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
