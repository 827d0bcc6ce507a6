import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from hubbub.kit.clock import ManualClock
from hubbub.kit.resources import Resources
from tests.agents.helpers import AGENTS, make_agent, path
from tests.fixtures.people import Person

ENROLMENTS = "/api/v1/enrolments"


async def enrol(owner: Person, **body: object) -> dict[str, Any]:
    answer = await owner.client.post(ENROLMENTS, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def register(client: httpx2.AsyncClient, token: str, name: str) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return await client.post(AGENTS, json={"name": name}, headers=headers)


async def test_nobody_gets_there_without_a_credential(client: httpx2.AsyncClient) -> None:
    for method, where in (
        ("GET", ENROLMENTS),
        ("POST", ENROLMENTS),
        ("DELETE", f"{ENROLMENTS}/0199a0c5-dbaf-7e7c-8f91-98f919f84a8c"),
    ):
        assert (await client.request(method, where)).status_code == 401


async def test_an_agent_registers_itself_under_the_owner(
    client: httpx2.AsyncClient, authenticated_user: Person
) -> None:
    made = await enrol(authenticated_user, uses=2)

    first = await register(client, made["token"], "ada")
    listed = (await authenticated_user.client.get(ENROLMENTS)).json()["items"]
    second = await register(client, made["token"], "bob")
    third = await register(client, made["token"], "cleo")

    assert first.status_code == second.status_code == 201
    assert first.json()["owner_id"] == str(authenticated_user.id)
    assert (await authenticated_user.client.get(path(first.json()))).json()["owner_id"] is not None
    assert [(each["uses"], each["uses_left"]) for each in listed] == [(2, 1)]
    assert (third.status_code, third.json()["code"]) == (401, "invalid_enrolment")
    assert (await authenticated_user.client.get(ENROLMENTS)).json()["items"] == []


async def test_of_many_at_once_as_many_get_in_as_it_says(
    client: httpx2.AsyncClient, authenticated_user: Person
) -> None:
    made = await enrol(authenticated_user, uses=3)

    answers = await asyncio.gather(
        *(register(client, made["token"], f"agent-{number}") for number in range(16))
    )

    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [401] * 13


async def test_a_name_that_is_taken_uses_nothing_up(
    client: httpx2.AsyncClient, authenticated_user: Person
) -> None:
    await make_agent(authenticated_user, "ada")
    made = await enrol(authenticated_user)

    taken = await register(client, made["token"], "ada")
    free = await register(client, made["token"], "bob")

    assert (taken.status_code, free.status_code) == (409, 201)


async def test_it_ends(
    client: httpx2.AsyncClient, authenticated_user: Person, hub: Resources
) -> None:
    made = await enrol(authenticated_user)
    ends = datetime.fromisoformat(made["expires_at"])
    assert timedelta(days=6) < ends - datetime.now(UTC) < timedelta(days=8)

    object.__setattr__(hub, "clock", ManualClock(ends))

    assert (await register(client, made["token"], "ada")).status_code == 401


async def test_it_is_revoked_by_its_owner_alone(
    client: httpx2.AsyncClient, authenticated_user: Person, other_user: Person
) -> None:
    made = await enrol(authenticated_user)
    where = f"{ENROLMENTS}/{made['id']}"

    by_stranger = await other_user.client.delete(where)
    revoked = await authenticated_user.client.delete(where)
    again = await authenticated_user.client.delete(where)

    assert [a.status_code for a in (by_stranger, revoked, again)] == [404, 204, 404]
    assert (await register(client, made["token"], "ada")).status_code == 401


async def test_that_of_somebody_switched_off_counts_no_more(
    client: httpx2.AsyncClient, authenticated_user: Person, admin: Person
) -> None:
    made = await enrol(authenticated_user)
    await admin.client.patch(authenticated_user.path, json={"is_active": False})

    assert (await register(client, made["token"], "ada")).status_code == 401


async def test_it_opens_nothing_else_and_is_stored_nowhere(
    client: httpx2.AsyncClient, authenticated_user: Person, hub: Resources
) -> None:
    made = await enrol(authenticated_user)
    headers = {"Authorization": f"Bearer {made['token']}"}

    for where in (AGENTS, ENROLMENTS, "/api/v1/auth/me"):
        assert (await client.get(where, headers=headers)).status_code == 401
    async with hub.database.read() as session:
        rows = (await session.execute(text("SELECT * FROM agent_enrolment"))).all()
    assert made["token"].removeprefix("enr_") not in repr(rows)


async def test_an_api_key_makes_none(
    client: httpx2.AsyncClient, authenticated_user: Person
) -> None:
    key = (await authenticated_user.client.post("/api/v1/api-keys", json={"name": "k"})).json()

    answer = await client.post(ENROLMENTS, json={}, headers={"X-API-Key": key["key"]})

    assert (answer.status_code, answer.json()["code"]) == (403, "session_required")


@pytest.mark.parametrize("token", ["enr_", "enr_x", "enr_" * 9])
async def test_a_made_up_one_is_refused(client: httpx2.AsyncClient, token: str) -> None:
    answer = await register(client, token, "ada")

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_enrolment")


@pytest.mark.parametrize(
    "body", [{"uses": 0}, {"uses": 10_001}, {"expires_at": "2020-01-01T00:00:00Z"}, {"x": 1}]
)
async def test_refuses_what_is_not_acceptable(
    authenticated_user: Person, body: dict[str, object]
) -> None:
    assert (await authenticated_user.client.post(ENROLMENTS, json=body)).status_code == 422
