import pytest

from tests.fixtures.people import MakePerson, Person
from tests.messages.conftest import MakeTalker, Talker, alice, bob, talkers

__all__ = ["alice", "bob", "talkers"]


@pytest.fixture
async def eve(talkers: MakeTalker, people: MakePerson) -> Talker:
    """Whom none of it concerns."""
    return await talkers("eve", await people())


@pytest.fixture
async def carol(people: MakePerson) -> Person:
    return await people()
