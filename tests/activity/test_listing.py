from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from hubbub.kit.resources import Resources
from tests.agents.helpers import make_agent
from tests.fixtures.people import Person
from tests.fixtures.waiting import eventually

ACTIVITY = "/api/v1/activity"


async def listed(client: httpx2.AsyncClient, **params: Any) -> list[dict[str, Any]]:
    answer = await client.get(ACTIVITY, params={"limit": 100, **params})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def actions(client: httpx2.AsyncClient, **params: Any) -> list[str]:
    return [each["action"] for each in await listed(client, **params)]


async def test_nobody_reads_it_without_a_credential(client: httpx2.AsyncClient) -> None:
    assert (await client.get(ACTIVITY)).status_code == 401


async def test_a_key_without_the_scope_reads_nothing(
    client: httpx2.AsyncClient, authenticated_user: Person
) -> None:
    made = await authenticated_user.client.post(
        "/api/v1/api-keys", json={"name": "k", "scopes": ["write"]}
    )

    answer = await client.get(ACTIVITY, headers={"X-API-Key": made.json()["key"]})

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


@pytest.mark.parametrize(
    "params",
    [{"actor": "ada"}, {"action": "%"}, {"action": "a" * 65}, {"since": "then"}, {"limit": 101}],
)
async def test_filters_that_make_no_sense(admin: Person, params: dict[str, str]) -> None:
    assert (await admin.client.get(ACTIVITY, params=params)).status_code == 422


async def test_a_cursor_of_something_else(admin: Person) -> None:
    answer = await admin.client.get(ACTIVITY, params={"cursor": "bm8"})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


async def test_an_act_says_who_did_what_to_what_and_from_where(authenticated_user: Person) -> None:
    made = await authenticated_user.client.post(
        "/api/v1/agents", json={"name": "ada"}, headers={"X-Request-ID": "the-request"}
    )

    [act] = await listed(authenticated_user.client, action="agent")

    assert act["action"] == "agent.created"
    assert act["actor_id"] == str(authenticated_user.id)
    assert (act["object_kind"], act["object_id"]) == ("agent", made.json()["id"])
    assert act["request_id"] == made.headers["x-request-id"]
    assert act["address"] == "127.0.0.1"


async def test_an_act_is_sealed_soon(authenticated_user: Person) -> None:
    async def is_sealed() -> bool:
        [newest, *_] = await listed(authenticated_user.client)
        return newest["number"] is not None and len(newest["hash"]) == 64

    await eventually(is_sealed, within=5)


async def test_members_see_what_they_and_their_agents_did(
    client: httpx2.AsyncClient, authenticated_user: Person, other_user: Person, admin: Person
) -> None:
    ada = await make_agent(authenticated_user, "ada")
    await make_agent(other_user, "bob")
    client.headers["Authorization"] = f"Bearer {ada['key']}"
    blocked = await client.post(f"/api/v1/agents/{ada['id']}/blocks", json={"other": "bob"})
    assert blocked.status_code == 201

    mine = await actions(authenticated_user.client)
    assert mine[:2] == ["agent.blocked", "agent.created"]
    assert await actions(client) == ["agent.blocked"]
    theirs = await listed(other_user.client)
    assert {each["actor_id"] for each in theirs} == {str(other_user.id)}
    assert await actions(other_user.client, actor=ada["id"]) == []
    assert await actions(other_user.client, object=ada["id"]) == []
    everybodys = {each["actor_id"] for each in await listed(admin.client)}
    assert {ada["id"], str(authenticated_user.id), str(other_user.id)} <= everybodys


async def test_a_new_owner_learns_nothing_of_what_the_agent_did_for_the_last_one(
    client: httpx2.AsyncClient, authenticated_user: Person, other_user: Person
) -> None:
    ada = await make_agent(authenticated_user, "ada")
    bob = await make_agent(authenticated_user, "bob")
    blocks = f"/api/v1/agents/{ada['id']}/blocks"
    client.headers["Authorization"] = f"Bearer {ada['key']}"
    assert (await client.post(blocks, json={"other": "bob"})).status_code == 201
    transfer = f"/api/v1/agents/{ada['id']}/transfer"
    await authenticated_user.client.post(transfer, json={"user_id": str(other_user.id)})
    assert (await other_user.client.post(f"{transfer}/accept")).status_code == 200
    made = await other_user.client.post(f"/api/v1/agents/{ada['id']}/key", json={})
    client.headers["Authorization"] = f"Bearer {made.json()['key']}"
    assert (await client.delete(f"{blocks}/{bob['id']}")).status_code == 204

    for reader in (client, other_user.client):
        assert await actions(reader, actor=ada["id"]) == ["agent.unblocked"]


async def test_an_admins_key_without_that_scope_sees_as_a_member(
    client: httpx2.AsyncClient, admin: Person, authenticated_user: Person
) -> None:
    made = await admin.client.post("/api/v1/api-keys", json={"name": "k", "scopes": ["read"]})
    client.headers["X-API-Key"] = made.json()["key"]

    assert await actions(client, actor=str(authenticated_user.id)) == []
    assert await actions(admin.client, actor=str(authenticated_user.id)) != []


async def test_it_is_filtered(admin: Person, authenticated_user: Person) -> None:
    ada = await make_agent(authenticated_user, "ada")
    bob = await make_agent(authenticated_user, "bob")
    await authenticated_user.client.post(f"/api/v1/agents/{ada['id']}/key", json={})
    of = admin.client

    assert await actions(of, object=ada["id"]) == ["agent.key_rotated", "agent.created"]
    assert await actions(of, object=ada["id"], action="agent.created") == ["agent.created"]
    assert await actions(of, object=bob["id"], action="agent.key_rotated") == []
    assert await actions(of, action="agen") == []
    assert await actions(of, action="agent", actor=str(admin.id)) == []
    assert len(await actions(of, action="agent", actor=str(authenticated_user.id))) == 3
    assert await actions(of, object=str(UUID(int=1))) == []


async def test_since_and_until_are_times(admin: Person) -> None:
    first, *_ = await listed(admin.client)
    at = datetime.fromisoformat(first["at"])
    later = at + timedelta(seconds=1)

    assert first in await listed(admin.client, since=at.isoformat())
    assert first not in await listed(admin.client, until=at.isoformat())
    assert await listed(admin.client, since=later.isoformat()) == []
    assert first in await listed(admin.client, until=later.isoformat())
    for far in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"):
        assert (await admin.client.get(ACTIVITY, params={"since": far})).status_code == 200
        assert (await admin.client.get(ACTIVITY, params={"until": far})).status_code == 200


async def test_pages_follow_each_other(authenticated_user: Person, hub: Resources) -> None:
    assert hub is not None
    for name in ("a1", "b2", "c3"):
        await make_agent(authenticated_user, name)
    whole = [each["id"] for each in await listed(authenticated_user.client)]
    seen: list[str] = []
    params: dict[str, Any] = {"limit": 2}

    while True:
        page = (await authenticated_user.client.get(ACTIVITY, params=params)).json()
        seen += [each["id"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]

    assert seen == whole
    assert len(seen) > 3
