"""Alembic's entry: one tree for both databases, in batch mode for SQLite's sake."""

import asyncio
from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, Enum, text
from sqlalchemy.schema import SchemaItem

from hubbub import registry
from hubbub.kit.db.base import Base, Id, UtcDateTime
from hubbub.kit.db.migrate import migration_engine
from hubbub.kit.db.search import is_search_object
from hubbub.settings import get_settings

registry.load_models()

MIGRATION_LOCK = 0x48756262  # any number, the same in every process


def include_object(
    obj: SchemaItem,
    name: str | None,
    kind: Literal[
        "schema", "table", "column", "index", "unique_constraint", "foreign_key_constraint"
    ],
    reflected: bool,
    compare_to: SchemaItem | None,
) -> bool:
    del obj, reflected, compare_to
    return not is_search_object(kind, name)


def render_item(kind: str, obj: object, _: object) -> str | Literal[False]:
    """A revision stays as it was written, so it names no type of ours."""
    if kind == "type" and isinstance(obj, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(obj, Id):
        return 'sa.Uuid().with_variant(sa.CHAR(36), "sqlite")'
    if kind == "type" and isinstance(obj, Enum):
        return f"sa.String(length={obj.length})"
    return False


def run(connection: Connection) -> None:
    options: dict[str, Any] = {
        "connection": connection,
        "target_metadata": Base.metadata,
        "render_as_batch": True,
        "compare_server_default": True,
        "include_object": include_object,
        "render_item": render_item,
        # one transaction around all steps, on SQLite too: whoever is killed, or finds the disk
        # full, leaves nothing behind; and the lock below is held to the end, not to the first step
        "transactional_ddl": True,
        "transaction_per_migration": False,
    }
    context.configure(**options)
    with context.begin_transaction():
        # two processes that start at once migrate one after the other
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        context.run_migrations()


async def main() -> None:
    dsn: str = context.config.attributes.get("dsn") or get_settings().database_dsn
    engine = migration_engine(dsn)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(run)
            await connection.commit()
    finally:
        await engine.dispose()


asyncio.run(main())
