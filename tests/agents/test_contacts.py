import asyncio
from typing import Any

import httpx2
import pytest

from tests.agents.helpers import as_agent, make_agent, path, person_of
from tests.fixtures.people import Person
from tests.fixtures.waiting import eventually

NOBODY = "0199a0c5-dbaf-7e7c-8f91-98f919f84a8c"


async def ask(owner: Person, agent: dict[str, Any], other: str, **more: object) -> httpx2.Response:
    return await owner.client.post(path(agent, "contacts"), json={"other": other} | more)


async def contacts(owner: Person, agent: dict[str, Any], **params: str) -> list[dict[str, Any]]:
    answer = await owner.client.get(path(agent, "contacts"), params=params)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


@pytest.fixture
async def ada(authenticated_user: Person) -> dict[str, Any]:
    return await make_agent(authenticated_user, "ada")


@pytest.fixture
async def bob(other_user: Person) -> dict[str, Any]:
    return await make_agent(other_user, "bob")


@pytest.mark.parametrize("more", [(), (NOBODY, "accept"), (NOBODY, "refuse"), (NOBODY,)])
async def test_nobody_gets_there_without_a_credential(
    client: httpx2.AsyncClient, ada: dict[str, Any], more: tuple[str, ...]
) -> None:
    for area in ("contacts", "blocks"):
        method = "DELETE" if len(more) == 1 else "POST"
        if area == "blocks" and len(more) == 2:
            continue
        answer = await client.request(method, path(ada, area, *more))
        assert answer.status_code == 401


class TestAsking:
    async def test_and_being_accepted(
        self,
        authenticated_user: Person,
        other_user: Person,
        ada: dict[str, Any],
        bob: dict[str, Any],
    ) -> None:
        asked = await ask(authenticated_user, ada, "BOB", note="Hello\nthere")
        [received] = await contacts(other_user, bob, state="requested")
        accepted = await other_user.client.post(path(bob, "contacts", received["id"], "accept"))
        [mine] = await contacts(authenticated_user, ada)

        assert asked.status_code == 201
        assert (asked.json()["direction"], asked.json()["state"]) == ("asked", "requested")
        assert asked.json()["other"] == {"id": bob["id"], "name": "bob", "display_name": "bob"}
        assert (received["direction"], received["note"]) == ("received", "Hello\nthere")
        assert received["other"]["name"] == "ada"
        assert (accepted.status_code, accepted.json()["state"]) == (200, "accepted")
        assert (mine["state"], mine["answered_at"] is None) == ("accepted", False)

    async def test_both_owners_are_told(
        self,
        authenticated_user: Person,
        other_user: Person,
        ada: dict[str, Any],
        bob: dict[str, Any],
    ) -> None:
        async def told(person: Person, kind: str) -> bool:
            answer = await person.client.get("/api/v1/notifications")
            return kind in [item["kind"] for item in answer.json()["items"]]

        contact = (await ask(authenticated_user, ada, bob["id"])).json()
        await eventually(lambda: told(other_user, "agents.contact_asked"))
        await other_user.client.post(path(bob, "contacts", contact["id"], "accept"))
        await eventually(lambda: told(authenticated_user, "agents.contact_accepted"))

    @pytest.mark.usefixtures("bob")
    async def test_once(self, authenticated_user: Person, ada: dict[str, Any]) -> None:
        await ask(authenticated_user, ada, "bob")

        again = await ask(authenticated_user, ada, "bob")

        assert (again.status_code, again.json()["code"]) == (409, "contact_exists")

    async def test_back_is_accepting(
        self,
        authenticated_user: Person,
        other_user: Person,
        ada: dict[str, Any],
        bob: dict[str, Any],
    ) -> None:
        await ask(authenticated_user, ada, "bob")

        back = await ask(other_user, bob, "ada")

        assert (back.status_code, back.json()["state"]) == (201, "accepted")

    async def test_each_other_at_once_makes_one_contact(
        self,
        authenticated_user: Person,
        other_user: Person,
        ada: dict[str, Any],
        bob: dict[str, Any],
    ) -> None:
        answers = await asyncio.gather(
            *(ask(authenticated_user, ada, "bob") for _ in range(8)),
            *(ask(other_user, bob, "ada") for _ in range(8)),
        )

        assert sorted(answer.status_code for answer in answers) == [201] * 2 + [409] * 14
        assert [each["state"] for each in await contacts(authenticated_user, ada)] == ["accepted"]

    async def test_an_agent_asks_for_itself_and_nobody_else(
        self, client: httpx2.AsyncClient, ada: dict[str, Any], bob: dict[str, Any]
    ) -> None:
        own = await as_agent(client, ada, "POST", path(ada, "contacts"), json={"other": "bob"})
        others = await as_agent(client, ada, "POST", path(bob, "contacts"), json={"other": "ada"})
        listed = await as_agent(client, ada, "GET", path(bob, "contacts"))

        assert (own.status_code, others.status_code, listed.status_code) == (201, 403, 403)

    @pytest.mark.usefixtures("bob")
    async def test_nobody_asks_for_an_agent_that_is_not_his(
        self, other_user: Person, ada: dict[str, Any]
    ) -> None:
        answer = await ask(other_user, ada, "bob")

        assert (answer.status_code, answer.json()["code"]) == (403, "not_your_agent")

    @pytest.mark.usefixtures("bob")
    async def test_somebody_unknown_is_404_with_the_nearest_names(
        self, authenticated_user: Person, ada: dict[str, Any]
    ) -> None:
        mistyped = await ask(authenticated_user, ada, "bobb")
        by_id = await ask(authenticated_user, ada, NOBODY)

        assert (mistyped.status_code, mistyped.json()["did_you_mean"]) == (404, ["bob"])
        assert (by_id.status_code, by_id.json()["code"]) == (404, "agent_not_found")

    async def test_oneself_is_refused(
        self, authenticated_user: Person, ada: dict[str, Any]
    ) -> None:
        for area in ("contacts", "blocks"):
            answer = await authenticated_user.client.post(path(ada, area), json={"other": "ada"})
            assert (answer.status_code, answer.json()["code"]) == (409, "not_with_yourself")

    @pytest.mark.parametrize(
        "body", [{}, {"other": ""}, {"other": "bob", "note": "a" * 501}, {"other": ["bob"]}]
    )
    async def test_refuses_what_is_not_acceptable(
        self, authenticated_user: Person, ada: dict[str, Any], body: dict[str, object]
    ) -> None:
        answer = await authenticated_user.client.post(path(ada, "contacts"), json=body)

        assert answer.status_code == 422


class TestRefusing:
    async def test_stands_until_the_refuser_changes_his_mind(
        self,
        authenticated_user: Person,
        other_user: Person,
        ada: dict[str, Any],
        bob: dict[str, Any],
    ) -> None:
        contact = (await ask(authenticated_user, ada, "bob")).json()
        answering = path(bob, "contacts", contact["id"])

        refused = await other_user.client.post(f"{answering}/refuse")
        again = await ask(authenticated_user, ada, "bob")
        removed = await authenticated_user.client.delete(path(ada, "contacts", contact["id"]))
        reconsidered = await other_user.client.post(f"{answering}/accept")

        assert refused.json()["state"] == "refused"
        for answer in (again, removed):
            assert (answer.status_code, answer.json()["code"]) == (409, "contact_refused")
        assert reconsidered.json()["state"] == "accepted"

    async def test_only_the_one_who_was_asked_answers(
        self,
        authenticated_user: Person,
        other_user: Person,
        admin: Person,
        ada: dict[str, Any],
        bob: dict[str, Any],
    ) -> None:
        contact = (await ask(authenticated_user, ada, "bob")).json()

        by_asker = await authenticated_user.client.post(
            path(ada, "contacts", contact["id"], "accept")
        )
        elsewhere = await other_user.client.post(path(ada, "contacts", contact["id"], "accept"))
        unknown = await other_user.client.post(path(bob, "contacts", NOBODY, "refuse"))
        by_admin = await admin.client.post(path(bob, "contacts", contact["id"], "accept"))

        assert (by_asker.status_code, by_asker.json()["code"]) == (404, "contact_not_found")
        assert elsewhere.status_code == 403
        assert unknown.status_code == 404
        assert by_admin.status_code == 200


async def test_either_side_ends_a_contact(
    authenticated_user: Person, other_user: Person, ada: dict[str, Any], bob: dict[str, Any]
) -> None:
    contact = (await ask(authenticated_user, ada, "bob")).json()
    await other_user.client.post(path(bob, "contacts", contact["id"], "accept"))

    gone = await other_user.client.delete(path(bob, "contacts", contact["id"]))
    again = await other_user.client.delete(path(bob, "contacts", contact["id"]))

    assert (gone.status_code, again.status_code) == (204, 404)
    assert await contacts(authenticated_user, ada) == []


async def test_answering_and_ending_at_once_leave_no_mess(
    authenticated_user: Person, other_user: Person, ada: dict[str, Any], bob: dict[str, Any]
) -> None:
    contact = (await ask(authenticated_user, ada, "bob")).json()
    theirs = path(bob, "contacts", contact["id"])

    answers = await asyncio.gather(
        *(authenticated_user.client.delete(path(ada, "contacts", contact["id"])) for _ in range(4)),
        *(other_user.client.post(f"{theirs}/accept") for _ in range(4)),
    )

    gone = [answer.status_code for answer in answers[:4]]
    assert sorted(gone) == [204, 404, 404, 404]
    assert {answer.status_code for answer in answers[4:]} <= {200, 404}


class TestBlocks:
    async def test_come_and_go(
        self, authenticated_user: Person, ada: dict[str, Any], bob: dict[str, Any]
    ) -> None:
        client, where = authenticated_user.client, path(ada, "blocks")

        made = await client.post(where, json={"other": "Bob"})
        again = await client.post(where, json={"other": bob["id"]})
        listed = await client.get(where)
        gone = await client.delete(path(ada, "blocks", bob["id"]))
        none = await client.delete(path(ada, "blocks", bob["id"]))

        assert made.status_code == again.status_code == 201
        assert made.json() == again.json()
        assert listed.json()["items"] == [made.json()]
        assert (gone.status_code, none.status_code) == (204, 404)
        assert none.json()["code"] == "block_not_found"

    async def test_are_seen_by_whoever_made_them(
        self, authenticated_user: Person, other_user: Person, ada: dict[str, Any]
    ) -> None:
        person = await person_of(other_user)
        await authenticated_user.client.post(path(ada, "blocks"), json={"other": person["name"]})

        listed = await other_user.client.get(path(ada, "blocks"))
        lifted = await other_user.client.delete(path(ada, "blocks", person["id"]))
        added = await other_user.client.post(path(ada, "blocks"), json={"other": "ada"})

        assert [a.status_code for a in (listed, lifted, added)] == [403, 403, 403]

    async def test_keep_from_asking(
        self,
        authenticated_user: Person,
        other_user: Person,
        ada: dict[str, Any],
        bob: dict[str, Any],
    ) -> None:
        await other_user.client.post(path(bob, "blocks"), json={"other": "ada"})

        answer = await ask(authenticated_user, ada, "bob")

        assert (answer.status_code, answer.json()["code"]) == (409, "contact_refused")

    async def test_an_unknown_one_and_a_wrong_body(
        self, authenticated_user: Person, ada: dict[str, Any]
    ) -> None:
        unknown = await authenticated_user.client.post(path(ada, "blocks"), json={"other": "bob"})
        wrong = await authenticated_user.client.post(path(ada, "blocks"), json={})

        assert (unknown.status_code, wrong.status_code) == (404, 422)
