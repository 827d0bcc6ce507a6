"""A request that is cancelled while it writes must leave nothing half-written, and nobody stuck."""

import asyncio
from collections.abc import Callable
from threading import Event

import pytest
from sqlalchemy import select, text

from hubbub.kit.db.database import Database
from hubbub.kit.db.sessions import AsyncWriteSession
from tests.kit.db.models import Thing


class Gate:
    """Holds a connection's driver thread until it is opened."""

    def __init__(self) -> None:
        self._open = Event()
        self._reached = Event()

    async def put_before_the_next_statement(self, session: AsyncWriteSession) -> None:
        raw = await (await session.connection()).get_raw_connection()
        assert raw.driver_connection is not None
        raw.driver_connection._tx.put_nowait((None, self._wait))

    def _wait(self) -> None:
        self._reached.set()
        assert self._open.wait(10)

    @property
    def reached(self) -> bool:
        return self._reached.is_set()

    def open(self) -> None:
        self._open.set()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a thread has no event to wait for
            await asyncio.sleep(0.001)


async def add(database: Database, name: str) -> None:
    async with database.write() as session:
        session.add(Thing(name=name))


async def names(database: Database) -> list[str]:
    async with database.read() as session:
        return list(await session.scalars(select(Thing.name).order_by(Thing.name)))


async def stop_at_insert(database: Database, gate: Gate) -> None:
    async with database.write() as session:
        await gate.put_before_the_next_statement(session)
        session.add(Thing(name="cancelled"))
        await session.flush()
        pytest.fail("a cancelled request went on")


async def stop_at_commit(database: Database, gate: Gate) -> None:
    async with database.write() as session:
        session.add(Thing(name="cancelled"))
        session.signal("rung")
        await session.flush()
        await gate.put_before_the_next_statement(session)


@pytest.mark.parametrize(
    ("write", "stored"), [(stop_at_insert, []), (stop_at_commit, ["cancelled"])]
)
@pytest.mark.parametrize("cancels", [1, 3])
async def test_the_turn_lasts_until_the_drivers_thread_is_done(
    sqlite: Database,
    write: Callable[[Database, Gate], asyncio.Future[None]],
    stored: list[str],
    cancels: int,
) -> None:
    gate, rung = Gate(), list[str]()
    sqlite.listen("rung", lambda: rung.append("rung"))
    writer = asyncio.ensure_future(write(sqlite, gate))
    await until(lambda: gate.reached)
    follower = asyncio.create_task(add(sqlite, "follower"))

    for _ in range(cancels):
        writer.cancel()
        await asyncio.sleep(0)
    done, _ = await asyncio.wait([writer, follower], timeout=0.05)
    assert not done

    gate.open()
    with pytest.raises(asyncio.CancelledError):
        await writer
    await follower
    assert await names(sqlite) == [*stored, "follower"]
    assert len(rung) == len(stored)


async def test_waiting_for_a_turn_ends_at_once_and_gives_up_the_place(sqlite: Database) -> None:
    gate = Gate()
    holder = asyncio.create_task(stop_at_commit(sqlite, gate))
    await until(lambda: gate.reached)
    impatient = [asyncio.create_task(add(sqlite, f"impatient {n}")) for n in range(3)]
    patient = asyncio.create_task(add(sqlite, "patient"))
    await asyncio.sleep(0)

    for task in impatient:
        task.cancel()
    await asyncio.wait(impatient, timeout=5)
    assert all(task.cancelled() for task in impatient)

    gate.open()
    await asyncio.gather(holder, patient)
    assert await names(sqlite) == ["cancelled", "patient"]


@pytest.mark.parametrize("steps", range(40))
async def test_cancelled_at_any_step_it_is_whole_or_not_there(sqlite: Database, steps: int) -> None:
    await sqlite.write_engine.dispose()  # connecting is one of the steps

    async def write() -> None:
        async with sqlite.write() as session:
            session.add(Thing(name="a"))
            await session.flush()
            session.add(Thing(name="b"))

    task = asyncio.create_task(write())
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=10)

    await add(sqlite, "next")
    assert await names(sqlite) in (["next"], ["a", "b", "next"])


@pytest.mark.parametrize("steps", range(0, 40, 2))
async def test_a_cancelled_reader_gives_its_connection_back(database: Database, steps: int) -> None:
    task = asyncio.create_task(names(database))
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=10)

    assert await names(database) == []
    assert database.read_engine.pool.checkedout() == 0  # type: ignore[attr-defined]


async def test_a_sum_that_nobody_waits_for_is_broken_off(database: Database) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"

    async def add_up() -> None:
        async with database.read() as session:
            await session.execute(text("SELECT 1"))
            begun.set()
            await session.execute(text(endless))

    for _ in range(10):  # more than there are connections
        begun = asyncio.Event()
        task = asyncio.create_task(add_up())
        await begun.wait()
        await asyncio.sleep(0.01)
        task.cancel()
        async with asyncio.timeout(5):
            with pytest.raises(asyncio.CancelledError):
                await task
    assert await names(database) == []
