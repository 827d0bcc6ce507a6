"""Running the one migration tree, and knowing where a database stands in it."""

import asyncio
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

import hubbub
from hubbub.kit.db.sqlite import create_private

MIGRATIONS = Path(hubbub.__file__).parent / "migrations"


def alembic_config(dsn: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["dsn"] = dsn
    return config


async def upgrade(dsn: str, revision: str = "head") -> None:
    await asyncio.to_thread(command.upgrade, alembic_config(dsn), revision)


async def downgrade(dsn: str, revision: str) -> None:
    await asyncio.to_thread(command.downgrade, alembic_config(dsn), revision)


@cache
def head() -> str | None:
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


async def current(engine: AsyncEngine) -> str | None:
    def read(connection: Connection) -> str | None:
        return MigrationContext.configure(connection).get_current_revision()

    async with engine.connect() as connection:
        return await connection.run_sync(read)


def migration_engine(dsn: str) -> AsyncEngine:
    """Short-lived; SQLite opens a plain connection, since DDL needs no turns."""
    url = make_url(dsn)
    if url.get_backend_name() == "sqlite" and url.database is not None:
        create_private(url.database)
    return create_async_engine(url)
