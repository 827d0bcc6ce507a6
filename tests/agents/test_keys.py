import asyncio
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from sqlalchemy import select, text

from hubbub.agents.jobs import prune
from hubbub.agents.models import AgentKey
from hubbub.kit.clock import ManualClock
from hubbub.kit.ids import new_id
from hubbub.kit.jobs import JobContext, NoArgs
from hubbub.kit.resources import Resources
from tests.agents.helpers import AGENTS, key_of, make_agent, path, person_of
from tests.fixtures.people import Person


async def counts(client: httpx2.AsyncClient, key: str) -> bool:
    answer = await client.get(AGENTS, headers={"X-API-Key": key})
    assert answer.status_code in {200, 401}
    return bool(answer.status_code == 200)


async def rotate(owner: Person, agent: dict[str, str], **body: object) -> dict[str, str]:
    answer = await owner.client.post(path(agent, "key"), json=body or None)
    assert answer.status_code == 201, answer.text
    made: dict[str, str] = answer.json()
    return made


async def test_both_keys_count_until_the_old_one_ends(
    client: httpx2.AsyncClient, authenticated_user: Person, hub: Resources
) -> None:
    agent = await make_agent(authenticated_user, "ada")
    now = datetime.now(UTC)
    clock = ManualClock(now)
    object.__setattr__(hub, "clock", clock)

    new = await rotate(authenticated_user, agent)

    assert await counts(client, agent["key"])
    assert await counts(client, new["key"])
    assert datetime.fromisoformat(new["previous_expires_at"]) == now + timedelta(days=1)
    # remembered credentials end in time too
    clock.move(timedelta(days=1))
    assert not await counts(client, agent["key"])
    assert await counts(client, new["key"])


async def test_without_overlap_the_old_one_ends_at_once(
    client: httpx2.AsyncClient, authenticated_user: Person
) -> None:
    agent = await make_agent(authenticated_user, "ada")
    assert await counts(client, agent["key"])

    new = await rotate(authenticated_user, agent, overlap_seconds=0)

    assert not await counts(client, agent["key"])
    assert await counts(client, new["key"])
    assert new["previous_expires_at"] is None


async def test_never_more_than_two_count(
    client: httpx2.AsyncClient, authenticated_user: Person
) -> None:
    agent = await make_agent(authenticated_user, "ada")

    second = await rotate(authenticated_user, agent)
    third = await rotate(authenticated_user, agent)

    keys = (agent["key"], second["key"], third["key"])
    assert [await counts(client, key) for key in keys] == [False, True, True]


@pytest.mark.parametrize("overlap", [0, 3600])
async def test_of_many_rotations_at_once_each_is_whole(
    client: httpx2.AsyncClient, authenticated_user: Person, hub: Resources, overlap: int
) -> None:
    agent = await make_agent(authenticated_user, "ada")

    made = await asyncio.gather(
        *(rotate(authenticated_user, agent, overlap_seconds=overlap) for _ in range(16))
    )

    counting = [each["key"] for each in made if await counts(client, each["key"])]
    assert len(counting) == (2 if overlap else 1)
    async with hub.database.read() as session:
        rows = (await session.scalars(select(AgentKey))).all()
    assert [row.expires_at is None for row in rows].count(True) == 1
    assert len(rows) == len(counting)


async def test_is_shown_once_and_stored_as_a_hash(
    authenticated_user: Person, hub: Resources
) -> None:
    agent = await make_agent(authenticated_user, "ada")

    read = await authenticated_user.client.get(path(agent))
    async with hub.database.read() as session:
        row = (await session.scalars(select(AgentKey))).one()

    assert agent["key"] not in read.text
    assert row.prefix == agent["key"][:12]
    assert agent["key"].encode() not in row.key_hash


@pytest.mark.parametrize("overlap", [-1, 7 * 86400 + 1, "long"])
async def test_an_overlap_has_its_bounds(authenticated_user: Person, overlap: object) -> None:
    agent = await make_agent(authenticated_user, "ada")

    answer = await authenticated_user.client.post(
        path(agent, "key"), json={"overlap_seconds": overlap}
    )

    assert answer.status_code == 422


async def test_a_person_has_no_agents_key(authenticated_user: Person) -> None:
    person = await person_of(authenticated_user)

    answer = await authenticated_user.client.post(path(person, "key"))

    assert (answer.status_code, answer.json()["code"]) == (409, "not_an_agent")


async def test_an_agent_of_somebody_switched_off_can_not_call(
    client: httpx2.AsyncClient, authenticated_user: Person, admin: Person
) -> None:
    agent = await make_agent(authenticated_user, "ada")
    before = await counts(client, agent["key"])

    for active in (False, True):
        answer = await admin.client.patch(authenticated_user.path, json={"is_active": active})
        assert answer.status_code == 200
        assert await counts(client, agent["key"]) is active

    assert before


async def test_an_agents_key_is_none_of_its_owners(
    client: httpx2.AsyncClient, authenticated_user: Person
) -> None:
    """What is the user's own is out of its reach, whoever owns it."""
    agent = await make_agent(authenticated_user, "ada")

    for where in ("/api/v1/auth/me", "/api/v1/notifications", "/api/v1/api-keys"):
        answer = await client.get(where, headers=key_of(agent))
        assert answer.status_code == 401


async def test_what_has_ended_long_ago_is_taken_away(
    authenticated_user: Person, hub: Resources
) -> None:

    agent = await make_agent(authenticated_user, "ada")
    await rotate(authenticated_user, agent)
    object.__setattr__(hub, "clock", ManualClock(datetime.now(UTC) + timedelta(days=32)))

    await prune(JobContext(hub, new_id(), 1), NoArgs())

    async with hub.database.read() as session:
        assert await session.scalar(text("SELECT count(*) FROM agent_key")) == 1
