import pytest

from tests.agents.helpers import person_of
from tests.fixtures.people import MakePerson, Person


async def named(people: MakePerson, name: str) -> Person:
    """Somebody whom others can invite: from the first call on a user is a participant."""
    person = await people(username=name, full_name=name.title())
    assert (await person_of(person))["name"] == name
    return person


@pytest.fixture
async def ann(people: MakePerson) -> Person:
    return await named(people, "ann")


@pytest.fixture
async def ben(people: MakePerson) -> Person:
    return await named(people, "ben")


@pytest.fixture
async def cleo(people: MakePerson) -> Person:
    return await named(people, "cleo")
