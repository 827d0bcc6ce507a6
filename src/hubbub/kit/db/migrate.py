"""Running the one migration tree, and knowing where a database stands in it.

Alembic is imported by who migrates: a hub whose database is at head does without its ten megabytes.
"""

import asyncio
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

import hubbub
from hubbub.kit.db.sqlite import create_private

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(hubbub.__file__).parent / "migrations"
_REVISION = re.compile(r'^(revision|down_revision)\b.*?= (?:"(\w+)"|None)$', re.MULTILINE)


class MigrationFailed(Exception):
    """Alembic doesn't know how; says why."""


def alembic_config(dsn: str) -> "Config":
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["dsn"] = dsn
    return config


async def upgrade(dsn: str, revision: str = "head") -> None:
    from alembic import command  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    try:
        await asyncio.to_thread(command.upgrade, alembic_config(dsn), revision)
    except CommandError as error:
        raise MigrationFailed(str(error)) from error


async def downgrade(dsn: str, revision: str) -> None:
    from alembic import command  # noqa: PLC0415

    await asyncio.to_thread(command.downgrade, alembic_config(dsn), revision)


@cache
def revisions() -> Mapping[str, str | None]:
    """All that this version knows, each with the one before it."""
    found: dict[str, str | None] = {}
    for file in (MIGRATIONS / "versions").glob("*.py"):
        names = {name: value or None for name, value in _REVISION.findall(file.read_text())}
        revision = names.get("revision")
        if revision is not None:
            found[revision] = names.get("down_revision")
    return found


def head() -> str | None:
    """The one that is before no other."""
    [last] = revisions().keys() - set(revisions().values())
    return last


async def current(engine: AsyncEngine) -> str | None:
    def read(connection: Connection) -> str | None:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return found

    async with engine.connect() as connection:
        return await connection.run_sync(read)


def migration_engine(dsn: str) -> AsyncEngine:
    """Short-lived; SQLite opens a plain connection, since DDL needs no turns."""
    url = make_url(dsn)
    if url.get_backend_name() == "sqlite" and url.database is not None:
        create_private(url.database)
    return create_async_engine(url)
