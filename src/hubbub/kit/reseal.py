"""Sealing again with the current key what older keys have sealed."""

from sqlalchemy import Table, select, update
from sqlalchemy.orm import InstrumentedAttribute

from hubbub.kit.crypto import Safe
from hubbub.kit.db.database import Database

CHUNK = 100


async def reseal(
    database: Database, safe: Safe, attribute: InstrumentedAttribute[bytes | None]
) -> int:
    """Goes through one column, a chunk a transaction, and returns how many secrets it changed.

    Raises `SealBrokenError` at one that no key opens; what was done before it stays done, so that
    it can simply be run again.
    """
    table = attribute.class_.__table__
    assert isinstance(table, Table)  # noqa: S101 - what a model stands for
    column, key = table.c[attribute.key], table.c["id"]
    page = select(key, column).where(column.is_not(None)).order_by(key).limit(CHUNK)
    changed, last = 0, None
    while True:
        async with database.read() as session:
            rows = (await session.execute(page if last is None else page.where(key > last))).all()
        if not rows:
            return changed
        last = rows[-1][0]
        place = (table.name, column.name)
        again = [
            (row_id, sealed, safe.seal(safe.open(sealed, *place, row_id), *place, row_id))
            for row_id, sealed in rows
            if not safe.is_current(sealed)
        ]
        if not again:
            continue
        async with database.write() as session:
            for row_id, sealed, fresh in again:
                # only if nobody has changed it meanwhile: the change has the current key
                await session.execute(
                    update(table)
                    .where(key == row_id, column == sealed)
                    # it says what people changed, and nobody did
                    .values({column: fresh} | _unchanged(table))
                )
        changed += len(again)


def _unchanged(table: Table) -> dict[object, object]:
    return {each: each for each in table.c if each.onupdate is not None}
