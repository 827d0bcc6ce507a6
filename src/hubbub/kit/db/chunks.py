"""Deleting much without keeping anybody waiting."""

from typing import cast

from sqlalchemy import ColumnElement, Table, delete, select, tuple_
from sqlalchemy.orm import DeclarativeBase

from hubbub.kit.db.database import Database

CHUNK = 500


async def delete_in_chunks(
    database: Database, model: type[DeclarativeBase], *where: ColumnElement[bool]
) -> int:
    """Deletes what fits, a chunk a transaction, and returns how many rows that were."""
    key = cast("Table", model.__table__).primary_key.columns.values()
    statement = (
        delete(model)
        .where(tuple_(*key).in_(select(*key).where(*where).limit(CHUNK)))
        .returning(key[0])
        .execution_options(synchronize_session=False)
    )
    total, deleted = 0, CHUNK
    while deleted == CHUNK:
        async with database.write() as session:
            deleted = len((await session.scalars(statement)).all())
        total += deleted
    return total
