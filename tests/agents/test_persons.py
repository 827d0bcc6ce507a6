"""Each user is a participant."""

import asyncio

from sqlalchemy import text

from hubbub.agents.service.people import ensure_person
from hubbub.kit.ids import new_id
from hubbub.kit.resources import Resources
from tests.agents.helpers import AGENTS, make_agent, openclaw, path, person_of
from tests.fixtures.people import MakePerson, Person
from tests.fixtures.waiting import eventually


async def test_there_is_one_for_each_account(admin: Person, people: MakePerson) -> None:
    """By the job, without his doing anything."""
    await people(username="Ada_L", full_name="Ada Lovelace")

    async def made() -> bool:
        answer = await admin.client.get(AGENTS, params={"search": "ada_l"})
        return [
            (item["name"], item["display_name"], item["kind"]) for item in answer.json()["items"]
        ] == [("ada_l", "Ada Lovelace", "person")]

    await eventually(made)


async def test_whoever_comes_first_waits_for_no_job(
    hub: Resources, authenticated_user: Person
) -> None:
    async def make() -> object:
        async with hub.database.write() as session:
            person = await ensure_person(session, authenticated_user.id)
            assert person is not None
            return person.id

    made = await asyncio.gather(*(make() for _ in range(8)))

    assert len(set(made)) == 1


async def test_a_name_that_is_taken_gets_a_number(people: MakePerson, admin: Person) -> None:
    for taken in ("ada", "ada-2"):
        await make_agent(admin, taken)

    person = await person_of(await people(username="Ada"))

    assert person["name"] == "ada-3"


async def test_every_username_makes_a_name(people: MakePerson) -> None:
    odd = await person_of(await people(username="_-_"))
    long = await person_of(await people(username="L" * 128))
    longer = await person_of(await people(username="L" * 127))

    assert odd["name"] == "person"
    assert (long["name"], longer["name"]) == ("l" * 64, "l" * 62 + "-2")


async def test_nobody_is_no_person(hub: Resources) -> None:
    async with hub.database.write() as session:
        assert await ensure_person(session, new_id()) is None


async def test_it_is_changed_but_neither_deleted_nor_given_a_gateway(
    authenticated_user: Person, other_user: Person
) -> None:
    person = await person_of(authenticated_user)
    client = authenticated_user.client

    changed = await client.patch(path(person), json={"accepts": "nobody"})
    gateway = await client.patch(path(person), json=openclaw())
    deleted = await client.delete(path(person))
    given = await client.post(path(person, "transfer"), json={"user_id": str(other_user.id)})

    assert (changed.status_code, changed.json()["accepts"]) == (200, "nobody")
    for refused in (gateway, deleted, given):
        assert (refused.status_code, refused.json()["code"]) == (409, "not_an_agent")


class TestWhenAUserIsDeleted:
    async def test_he_is_asked_what_becomes_of_his_agents(
        self, authenticated_user: Person, admin: Person
    ) -> None:
        await make_agent(authenticated_user, "ada")

        answer = await admin.client.delete(authenticated_user.path)

        assert (answer.status_code, answer.json()["code"]) == (409, "owns_things")
        assert answer.json()["owned"] == {"agents": 1}

    async def test_an_heir_gets_them_without_their_keys(
        self, authenticated_user: Person, other_user: Person, admin: Person, hub: Resources
    ) -> None:
        agent = await make_agent(authenticated_user, "ada")
        person = await person_of(authenticated_user)

        gone = await admin.client.delete(
            authenticated_user.path, params={"heir_id": str(other_user.id)}
        )

        assert gone.status_code == 204
        assert (await other_user.client.get(path(agent))).json()["owner_id"] == str(other_user.id)
        assert (await admin.client.get(path(person))).status_code == 404
        async with hub.database.read() as session:
            assert await session.scalar(text("SELECT count(*) FROM agent_key")) == 0

    async def test_or_they_go_and_the_names_stay_reserved(
        self, authenticated_user: Person, admin: Person, hub: Resources
    ) -> None:
        agent = await make_agent(authenticated_user, "ada", **openclaw())
        person = await person_of(authenticated_user)

        gone = await admin.client.delete(authenticated_user.path, params={"discard": True})

        assert gone.status_code == 204
        for each in (agent, person):
            assert (await admin.client.get(path(each))).status_code == 404
            again = await admin.client.post(AGENTS, json={"name": each["name"]})
            assert again.json()["code"] == "handle_taken"
        async with hub.database.read() as session:
            rows = (
                await session.execute(
                    text("SELECT gateway_token FROM agent WHERE deleted_at IS NOT NULL")
                )
            ).all()
        assert [row.gateway_token for row in rows] == [None, None]
