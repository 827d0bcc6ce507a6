"""Reading in one snapshot, beside everybody else."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from sqlalchemy import func, literal, select

from hubbub.kit.db.database import DatabaseUnavailable
from hubbub.kit.db.snapshots import Pace, Rows, Statement, snapshot
from hubbub.settings import DatabaseSettings

SETTINGS = DatabaseSettings()


def numbers(until: int | None) -> Statement:
    n = select(literal(1).label("i")).cte("n", recursive=True)
    following = select(n.c.i + 1)
    n = n.union_all(following if until is None else following.where(n.c.i < until))
    return select(n.c.i)


async def test_all_rows_in_batches(dsn: str) -> None:
    def make(rows: Rows) -> list[int]:
        return [row[0] for row in rows]

    async with snapshot(dsn, SETTINGS) as opened:
        found = [batch async for batch in opened.batches(numbers(25), make, Pace(10))]
        assert await opened.count(numbers(25)) == 25

    assert [len(batch) for batch in found] == [10, 10, 5]
    assert [number for batch in found for number in batch] == list(range(1, 26))


async def test_one_that_is_left_ends_its_statement(dsn: str) -> None:
    """It would run for ever."""
    endless = numbers(None).subquery()
    statement = select(func.count()).select_from(endless)

    async with asyncio.timeout(20), snapshot(dsn, SETTINGS) as opened:
        first = asyncio.create_task(_first(opened.batches(statement, len, Pace())))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(first, 0.2)


async def _first[T](batches: AsyncGenerator[T]) -> T:
    async with aclosing(batches) as opened:
        return await anext(opened)


def test_large_rows_are_read_few_at_a_time() -> None:
    pace = Pace(1000)
    seen = []
    for size in (100, 128 * 1024, 128 * 1024, 100):
        seen.append(pace.rows)
        pace.weighed(pace.rows, pace.rows * size)

    assert seen == [100, 1000, 2, 2]
    assert pace.rows == 1000


async def test_what_making_raises_comes_out(dsn: str) -> None:
    def make(rows: Rows) -> None:
        raise ValueError(len(rows))

    async with snapshot(dsn, SETTINGS) as opened:
        with pytest.raises(ValueError, match="10"):
            async for _ in opened.batches(numbers(25), make, Pace(10)):
                pass


async def test_a_database_that_is_away(dsn: str, distributed: bool) -> None:
    gone = dsn.rsplit("/", 1)[0] + ("/nowhere" if distributed else "/no/such/folder")

    with pytest.raises(DatabaseUnavailable if not distributed else Exception):
        async with snapshot(gone, SETTINGS):
            pass
