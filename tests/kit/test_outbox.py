import pytest
from sqlalchemy import func, select

from hubbub.kit.db.database import Database
from hubbub.kit.outbox import SIGNAL, Event, OutboxEvent, emit, known_topics
from hubbub.kit.resources import Resources
from tests.kit.jobs.conftest import resources

__all__ = ["resources"]


class Emitted(Event):
    topic = "test.emitted"
    number: int


class RefusalError(Exception):
    pass


async def stored(database: Database) -> int:
    async with database.read() as session:
        return await session.scalar(select(func.count()).select_from(OutboxEvent)) or 0


async def test_an_event_is_stored_with_the_transaction(resources: Resources) -> None:
    rings: list[int] = []
    resources.database.listen(SIGNAL, lambda: rings.append(1))
    async with resources.database.write() as session:
        emit(session, Emitted(number=1))
        await session.flush()
        assert not rings
    assert rings == [1]
    async with resources.database.read() as session:
        event = (await session.execute(select(OutboxEvent))).scalar_one()
    assert (event.topic, event.payload) == ("test.emitted", {"number": 1})


async def test_a_transaction_that_fails_emits_nothing(resources: Resources) -> None:
    rings: list[int] = []
    resources.database.listen(SIGNAL, lambda: rings.append(1))

    async def emit_and_fail() -> None:
        async with resources.database.write() as session:
            emit(session, Emitted(number=1))
            await session.flush()
            raise RefusalError

    with pytest.raises(RefusalError):
        await emit_and_fail()
    assert await stored(resources.database) == 0
    assert not rings


def test_topics_are_those_of_all_event_classes() -> None:
    class Derived(Emitted):
        topic = "test.derived"

    assert {Emitted.topic, Derived.topic} <= known_topics()
