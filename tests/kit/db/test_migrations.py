"""The one migration tree, on whichever database this run is for."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect
from sqlalchemy.ext.asyncio import AsyncEngine

from hubbub import registry
from hubbub.kit.db import migrate
from hubbub.kit.db.base import Base
from tests.fixtures.peers import create_database, drop_database

type Schema = dict[str, list[str]]


@pytest.fixture
async def bare_dsn(
    request: pytest.FixtureRequest, distributed: bool, tmp_path: Path
) -> AsyncIterator[str]:
    """An empty database that nothing has been migrated in."""
    if not distributed:
        yield f"sqlite+aiosqlite:///{tmp_path}/bare.db"
        return
    server: str = request.getfixturevalue("postgres")
    dsn = await create_database(server)
    yield dsn.replace("postgresql:", "postgresql+asyncpg:", 1)
    await drop_database(server, dsn)


@pytest.fixture
async def engine(bare_dsn: str) -> AsyncIterator[AsyncEngine]:
    engine = migrate.migration_engine(bare_dsn)
    yield engine
    await engine.dispose()


def _schema(connection: Connection) -> Schema:
    """Each table with its columns, indexes and constraints."""
    inspector = inspect(connection)

    def parts(table: str) -> list[str]:
        columns = [
            f"{column['name']} {column['type']!r} {column['nullable']} {column['default']}"
            for column in inspector.get_columns(table)
        ]
        indexes = [
            f"{index['name']} {index['column_names']} {index['unique']}"
            for index in inspector.get_indexes(table)
        ]
        constraints = [
            *inspector.get_unique_constraints(table),
            *inspector.get_foreign_keys(table),
            *inspector.get_check_constraints(table),
        ]
        return sorted(columns + indexes + [repr(constraint) for constraint in constraints])

    return {table: parts(table) for table in inspector.get_table_names()}


async def schema(engine: AsyncEngine) -> Schema:
    async with engine.connect() as connection:
        return await connection.run_sync(_schema)


async def test_the_models_and_the_migrations_say_the_same(bare_dsn: str) -> None:
    await migrate.upgrade(bare_dsn)

    # raises and shows the difference if there is any
    await asyncio.to_thread(command.check, migrate.alembic_config(bare_dsn))


async def test_all_the_way_up_down_and_up_again(bare_dsn: str, engine: AsyncEngine) -> None:
    await migrate.upgrade(bare_dsn)
    up = await schema(engine)
    assert await migrate.current(engine) == migrate.head()
    assert migrate.head() == ScriptDirectory(str(migrate.MIGRATIONS)).get_current_head()
    registry.load_models()
    assert set(Base.metadata.tables) <= set(up)

    await migrate.downgrade(bare_dsn, "base")
    assert set(await schema(engine)) == {"alembic_version"}
    assert await migrate.current(engine) is None

    await migrate.upgrade(bare_dsn)
    assert await schema(engine) == up


async def test_step_by_step_each_way_down_leads_up_again(
    bare_dsn: str, engine: AsyncEngine
) -> None:
    await migrate.upgrade(bare_dsn)
    up = await schema(engine)

    steps = 0
    while await migrate.current(engine) is not None:
        steps += 1
        await migrate.downgrade(bare_dsn, "-1")
        await migrate.upgrade(bare_dsn)
        assert await schema(engine) == up
        await migrate.downgrade(bare_dsn, f"-{steps}")
    assert steps >= 1


async def test_to_migrate_again_changes_nothing(bare_dsn: str, engine: AsyncEngine) -> None:
    await migrate.upgrade(bare_dsn)
    before = await schema(engine)

    await migrate.upgrade(bare_dsn)

    assert await schema(engine) == before
