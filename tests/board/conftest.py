import pytest

from tests.fixtures.people import MakePerson, Person
from tests.messages.conftest import alice, bob, talkers
from tests.rooms.conftest import named

__all__ = ["alice", "bob", "talkers"]


@pytest.fixture
async def ann(people: MakePerson) -> Person:
    return await named(people, "ann")


@pytest.fixture
async def ben(people: MakePerson) -> Person:
    return await named(people, "ben")
