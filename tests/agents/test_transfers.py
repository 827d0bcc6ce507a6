import asyncio
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.agents.helpers import AGENTS, as_agent, key_of, make_agent, openclaw, path
from tests.fixtures.people import MakePerson, Person
from tests.fixtures.waiting import eventually


@pytest.fixture
async def ada(authenticated_user: Person) -> dict[str, Any]:
    return await make_agent(authenticated_user, "ada", **openclaw())


async def offer(owner: Person, agent: dict[str, Any], to: object) -> httpx2.Response:
    return await owner.client.post(path(agent, "transfer"), json={"user_id": str(to)})


async def test_without_a_credential_nothing_goes(
    client: httpx2.AsyncClient, ada: dict[str, Any]
) -> None:
    for method, more in (("POST", ()), ("POST", ("accept",)), ("DELETE", ())):
        answer = await client.request(method, path(ada, "transfer", *more))
        assert answer.status_code == 401


async def test_the_new_owner_has_to_want_it(
    client: httpx2.AsyncClient,
    authenticated_user: Person,
    other_user: Person,
    ada: dict[str, Any],
) -> None:
    offered = await offer(authenticated_user, ada, other_user.id)
    still = await client.get(AGENTS, headers=key_of(ada))
    not_yet = await other_user.client.patch(path(ada), json={"description": "x"})
    accepted = await other_user.client.post(path(ada, "transfer", "accept"))
    dead = await client.get(AGENTS, headers=key_of(ada))
    again = await other_user.client.post(path(ada, "transfer", "accept"))
    former = await authenticated_user.client.patch(path(ada), json={"description": "x"})
    rekeyed = await other_user.client.post(path(ada, "key"))
    alive = await client.get(AGENTS, headers={"X-API-Key": rekeyed.json()["key"]})

    assert (offered.status_code, offered.json()["state"]) == (200, "pending")
    assert (still.status_code, not_yet.status_code) == (200, 403)
    assert (accepted.status_code, accepted.json()["owner_id"]) == (200, str(other_user.id))
    assert (dead.status_code, again.status_code, former.status_code) == (401, 404, 403)
    assert rekeyed.json()["previous_expires_at"] is None
    assert alive.status_code == 200


async def test_an_admins_word_is_enough(
    client: httpx2.AsyncClient, admin: Person, other_user: Person, ada: dict[str, Any]
) -> None:
    done = await offer(admin, ada, other_user.id)

    assert (done.status_code, done.json()["state"]) == (200, "done")
    assert (await other_user.client.get(path(ada))).json()["owner_id"] == str(other_user.id)
    assert (await client.get(AGENTS, headers=key_of(ada))).status_code == 401


async def test_the_new_owner_is_told(
    authenticated_user: Person, other_user: Person, admin: Person, ada: dict[str, Any]
) -> None:
    async def told(kind: str) -> bool:
        answer = await other_user.client.get("/api/v1/notifications")
        return kind in [item["kind"] for item in answer.json()["items"]]

    await offer(authenticated_user, ada, other_user.id)
    await eventually(lambda: told("agents.transfer_offered"))
    await offer(admin, ada, other_user.id)
    await eventually(lambda: told("agents.transferred"))


async def test_either_side_can_call_it_off(
    authenticated_user: Person, other_user: Person, people: MakePerson, ada: dict[str, Any]
) -> None:
    stranger = await people()
    for person in (authenticated_user, other_user):
        await offer(authenticated_user, ada, other_user.id)
        by_stranger = await stranger.client.delete(path(ada, "transfer"))
        gone = await person.client.delete(path(ada, "transfer"))
        too_late = await other_user.client.post(path(ada, "transfer", "accept"))
        again = await person.client.delete(path(ada, "transfer"))

        statuses = [a.status_code for a in (by_stranger, gone, too_late, again)]
        assert statuses == [404, 204, 404, 404]
        assert again.json()["code"] == "transfer_not_found"


async def test_a_later_offer_replaces_the_one_before(
    authenticated_user: Person, other_user: Person, people: MakePerson, ada: dict[str, Any]
) -> None:
    third = await people()
    await offer(authenticated_user, ada, other_user.id)
    await offer(authenticated_user, ada, third.id)

    first = await other_user.client.post(path(ada, "transfer", "accept"))
    second = await third.client.post(path(ada, "transfer", "accept"))

    assert (first.status_code, second.status_code) == (404, 200)


async def test_what_can_not_be_offered(
    client: httpx2.AsyncClient,
    authenticated_user: Person,
    other_user: Person,
    admin: Person,
    ada: dict[str, Any],
) -> None:
    await admin.client.patch(other_user.path, json={"is_active": False})

    to_itself = await offer(authenticated_user, ada, authenticated_user.id)
    to_nobody = await offer(authenticated_user, ada, uuid4())
    to_inactive = await offer(authenticated_user, ada, other_user.id)
    to_anything = await offer(authenticated_user, ada, "x")
    body = {"user_id": str(admin.id)}
    by_agent = await as_agent(client, ada, "POST", path(ada, "transfer"), json=body)

    assert (to_itself.status_code, to_itself.json()["code"]) == (409, "already_owner")
    assert (to_nobody.status_code, to_nobody.json()["code"]) == (404, "user_not_found")
    assert (to_inactive.status_code, to_anything.status_code) == (404, 422)
    assert by_agent.json()["code"] == "user_required"


async def test_accepting_and_withdrawing_at_once_end_in_one_of_both(
    authenticated_user: Person, other_user: Person, ada: dict[str, Any]
) -> None:
    await offer(authenticated_user, ada, other_user.id)

    answers = await asyncio.gather(
        *(other_user.client.post(path(ada, "transfer", "accept")) for _ in range(4)),
        *(authenticated_user.client.delete(path(ada, "transfer")) for _ in range(4)),
    )

    assert sorted(answer.status_code in {200, 204} for answer in answers) == [False] * 7 + [True]
    assert {answer.status_code for answer in answers} <= {200, 204, 404}
