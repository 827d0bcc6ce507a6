"""Bringing the database to this version's tables when a hub starts, or saying why not."""

import asyncio
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from hubbub.kit.db import migrate
from hubbub.kit.db.database import Database
from hubbub.settings import Environment, Settings
from hubbub.start import StartError
from hubbub.start.reasons import newer, not_migrated

FIRST_CONTACT = 10.0


async def bring_to_head(settings: Settings, database: Database) -> None:
    """An embedded hub migrates its own file. A shared database is migrated by the operator,
    who knows when its other processes are ready for that; except at one's own desk."""
    if not await is_at_head(settings, database.write_engine):
        if not settings.embedded and settings.environment is not Environment.LOCAL:
            raise StartError(not_migrated(settings))
        await migrate.upgrade(settings.database_dsn)
    if settings.embedded:
        await _check_writable(database.write_engine)


async def is_at_head(settings: Settings, engine: AsyncEngine) -> bool:
    # a file has a timeout of its own, for its lock
    async with asyncio.timeout(None if settings.embedded else FIRST_CONTACT):
        at = await migrate.current(engine)
    if at is not None and at not in migrate.revisions():
        raise StartError(newer(settings, at))
    return at == migrate.head()


async def check_readable(settings: Settings) -> None:
    """For who only reads, perhaps beside a hub that serves: nothing is made or migrated."""
    if settings.embedded and not _has_file(settings):
        raise StartError(f"there is no hub in {settings.data_dir.absolute()}")
    engine = migrate.migration_engine(settings.database_dsn)
    try:
        if not await is_at_head(settings, engine):
            raise StartError(not_migrated(settings))
    finally:
        await engine.dispose()


def _has_file(settings: Settings) -> bool:
    return Path(make_url(settings.database_dsn).database or "").is_file()


async def _check_writable(engine: AsyncEngine) -> None:
    """A file that can be read but not written would fail at the first message.

    It takes a real write: SQLite lets a transaction begin on a file that can only be read.
    """
    async with engine.connect() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = version_num")
        await connection.rollback()
