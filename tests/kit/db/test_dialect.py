import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select
from sqlalchemy.exc import StatementError

from hubbub.kit.db.database import Database
from hubbub.kit.db.dialect import claim, db_now, insert_or_ignore, take, upsert
from tests.kit.db.models import Thing


async def notes(database: Database) -> dict[str, str]:
    async with database.read() as session:
        return {thing.name: thing.note for thing in await session.scalars(select(Thing))}


async def add_things(database: Database, count: int) -> None:
    async with database.write() as session:
        session.add_all(Thing(name=f"{number:04}") for number in range(count))


async def test_many_claimers_get_each_row_once_and_never_too_many(database: Database) -> None:
    await add_things(database, 100)
    claimed: Counter[str] = Counter()

    async def work(number: int) -> None:
        while True:
            async with database.write() as session:
                got = await claim(
                    session,
                    Thing,
                    where=[Thing.taken_by.is_(None)],
                    order_by=[Thing.name],
                    limit=7,
                    values={"taken_by": number},
                )
                assert len(got) <= 7
                assert all(thing.taken_by == number for thing in got)
                claimed.update(thing.name for thing in got)
            if not got:
                return

    await asyncio.gather(*(work(number) for number in range(8)))

    assert len(claimed) == 100
    assert set(claimed.values()) == {1}


async def test_many_takers_get_each_row_once_and_leave_none(database: Database) -> None:
    await add_things(database, 50)
    taken: list[str] = []

    async def work() -> None:
        async with database.write() as session:
            got = await take(session, Thing, where=[], order_by=[Thing.name], limit=10)
            taken.extend(thing.name for thing in got)

    await asyncio.gather(*(work() for _ in range(5)))

    assert len(taken) == len(set(taken))
    assert len(taken) + len(await notes(database)) == 50


async def test_a_claim_takes_the_first_in_order(database: Database) -> None:
    await add_things(database, 5)

    async with database.write() as session:
        got = await claim(
            session,
            Thing,
            where=[Thing.taken_by.is_(None)],
            order_by=[Thing.name.desc()],
            limit=2,
            values={"taken_by": 1},
        )

    assert {thing.name for thing in got} == {"0003", "0004"}


async def test_an_upsert_inserts_once_and_changes_what_it_names(database: Database) -> None:
    for note in ("first", "second"):
        async with database.write() as session:
            values = {"name": "a", "note": note}
            await session.execute(upsert(session, Thing, values, unique=["name"], change=["note"]))

    assert await notes(database) == {"a": "second"}


async def test_insert_or_ignore_leaves_what_is_there(database: Database) -> None:
    inserted = []
    for note in ("first", "second"):
        async with database.write() as session:
            statement = insert_or_ignore(session, Thing, unique=["name"])
            values = {"name": "a", "note": note}
            inserted.append(await session.scalar(statement.returning(Thing.name), values))

    assert inserted == ["a", None]
    assert await notes(database) == {"a": "first"}


async def test_the_databases_clock_goes_right(database: Database) -> None:
    async with database.read() as session:
        now, later, before = (
            await session.execute(select(db_now(), db_now(90.5), db_now(-3600)))
        ).one()

    assert abs(now - datetime.now(UTC)) < timedelta(seconds=1)
    assert later - now == timedelta(seconds=90.5)
    assert now - before == timedelta(hours=1)


async def test_the_databases_clock_compares_with_stored_times(database: Database) -> None:
    now = datetime.now(UTC)
    async with database.write() as session:
        session.add(Thing(name="past", at=now - timedelta(seconds=30)))
        session.add(Thing(name="near", at=now + timedelta(seconds=30)))
        session.add(Thing(name="far", at=now + timedelta(seconds=90)))

    async with database.read() as session:
        due = await session.scalars(select(Thing.name).where(Thing.at <= db_now()))
        soon = await session.scalars(select(Thing.name).where(Thing.at <= db_now(60)))

    assert set(due) == {"past"}
    assert set(soon) == {"past", "near"}


async def test_seconds_ahead_may_come_from_a_column(database: Database) -> None:
    async with database.write() as session:
        session.add(Thing(name="a", taken_by=45))

    async with database.read() as session:
        statement = select(db_now(Thing.taken_by), db_now())  # type: ignore[arg-type]
        ahead, now = (await session.execute(statement)).one()

    assert ahead - now == timedelta(seconds=45)


async def test_a_time_of_any_zone_comes_back_in_utc(database: Database) -> None:
    tokyo = datetime(2026, 3, 1, 8, 30, 15, 123456, tzinfo=timezone(timedelta(hours=9)))
    async with database.write() as session:
        session.add(Thing(name="a", at=tokyo))

    async with database.read() as session:
        at = await session.scalar(select(Thing.at))

    assert at == tokyo
    assert at is not None
    assert at.tzinfo is UTC


async def test_a_naive_time_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="naive"):
        async with database.write() as session:
            session.add(Thing(name="a", at=datetime(2026, 3, 1)))  # noqa: DTZ001 - meant
