from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from hubbub.auth.models import ApiKey
from hubbub.kit.clock import ManualClock
from hubbub.kit.resources import Resources
from hubbub.users.types import Role
from tests.fixtures.factories import sign_up_body
from tests.fixtures.people import MakePerson, Person

KEYS = "/api/v1/api-keys"
ME = "/api/v1/auth/me"


async def make_key(person: Person, **values: object) -> dict[str, Any]:
    answer = await person.client.post(KEYS, json={"name": "key"} | values)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_key_works_as_bearer_and_by_its_own_header(
    client: httpx2.AsyncClient, authenticated_user: Person
) -> None:
    key = (await make_key(authenticated_user))["key"]

    as_bearer = await client.get(ME, headers={"Authorization": f"Bearer {key}"})
    by_header = await client.get(ME, headers={"X-API-Key": key})

    assert as_bearer.json() == by_header.json()
    assert as_bearer.json()["user"]["id"] == str(authenticated_user.id)
    assert as_bearer.json()["scopes"] == ["read", "write"]


async def test_a_key_is_shown_once_and_stored_as_a_hash(
    authenticated_user: Person, hub: Resources
) -> None:
    made = await make_key(authenticated_user)

    listed = await authenticated_user.client.get(KEYS)
    async with hub.database.read() as session:
        row = (await session.scalars(select(ApiKey))).one()

    assert made["key"] not in listed.text
    assert listed.json()["items"][0]["prefix"] == made["key"][:12]
    assert made["key"].encode() not in row.key_hash


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": "hub_" + "a" * 43},
        {"X-API-Key": "nonsense"},
        {"X-API-Key": ""},
        {"Authorization": "Bearer hub_"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"Authorization": "Bearer a.b.c"},
        {"Authorization": "hub_x"},
    ],
)
async def test_a_missing_or_wrong_credential_is_401(
    client: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await client.get(ME, headers=headers)

    assert answer.status_code == 401
    assert "www-authenticate" in answer.headers


async def test_a_revoked_key_is_dead_at_once(
    client: httpx2.AsyncClient, authenticated_user: Person, other_user: Person
) -> None:
    made = await make_key(authenticated_user)
    path = f"{KEYS}/{made['id']}"

    by_stranger = await other_user.client.delete(path)
    revoked = await authenticated_user.client.delete(path)
    again = await authenticated_user.client.delete(path)
    used = await client.get(ME, headers={"X-API-Key": made["key"]})

    assert [a.status_code for a in (by_stranger, revoked, again, used)] == [404, 204, 404, 401]
    assert (await authenticated_user.client.get(KEYS)).json()["items"] == []


async def test_a_key_expires(
    client: httpx2.AsyncClient, authenticated_user: Person, hub: Resources
) -> None:
    ends = datetime.now(UTC) + timedelta(hours=1)
    made = await make_key(authenticated_user, expires_at=ends.isoformat())
    before = await client.get(ME, headers={"X-API-Key": made["key"]})

    object.__setattr__(hub, "clock", ManualClock(ends))
    after = await client.get(ME, headers={"X-API-Key": made["key"]})

    assert (before.status_code, after.status_code) == (200, 401)


async def test_scopes_are_kept(client: httpx2.AsyncClient, people: MakePerson) -> None:
    person = await people()
    reading = {"X-API-Key": (await make_key(person, scopes=["read"]))["key"]}
    writing = {"X-API-Key": (await make_key(person, scopes=["write"]))["key"]}

    read = await client.get(ME, headers=reading)
    not_written = await client.patch(person.path, json={"full_name": "X"}, headers=reading)
    not_read = await client.get(ME, headers=writing)
    written = await client.patch(person.path, json={"full_name": "X"}, headers=writing)

    assert [a.status_code for a in (read, not_written, not_read, written)] == [200, 403, 403, 200]
    assert not_written.json()["code"] == "scope_missing"


async def test_admin_rights_need_the_scope_and_the_role(
    client: httpx2.AsyncClient, admin: Person, authenticated_user: Person
) -> None:
    plain = {"X-API-Key": (await make_key(admin))["key"]}
    full = {"X-API-Key": (await make_key(admin, scopes=["read", "write", "admin"]))["key"]}
    refused = await authenticated_user.client.post(KEYS, json={"name": "x", "scopes": ["admin"]})

    without = await client.get("/api/v1/auth/invitations", headers=plain)
    with_scope = await client.get("/api/v1/auth/invitations", headers=full)

    assert (without.status_code, with_scope.status_code) == (403, 200)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")


async def test_an_admins_plain_key_has_no_admin_rights_over_people(
    client: httpx2.AsyncClient, admin: Person, authenticated_user: Person
) -> None:
    plain = {"X-API-Key": (await make_key(admin))["key"]}

    changed = await client.patch(authenticated_user.path, json={"is_active": False}, headers=plain)
    seen = await client.get(authenticated_user.path, headers=plain)
    deleted = await client.delete(authenticated_user.path, headers=plain)

    assert (changed.status_code, deleted.status_code) == (403, 403)
    assert seen.json()["email"] is None


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", KEYS, {"name": "more"}),
        ("POST", "/api/v1/auth/logout", None),
        ("DELETE", "/api/v1/auth/sessions", None),
        ("DELETE", "/api/v1/auth/sessions/00000000-0000-0000-0000-000000000001", None),
        (
            "POST",
            "/api/v1/auth/password",
            {"current_password": "x", "new_password": "New-password7!"},
        ),
    ],
)
async def test_a_key_can_not_touch_credentials(
    client: httpx2.AsyncClient,
    authenticated_user: Person,
    method: str,
    path: str,
    body: dict[str, object] | None,
) -> None:
    key = (await make_key(authenticated_user))["key"]

    answer = await client.request(method, path, json=body, headers={"X-API-Key": key})

    assert (answer.status_code, answer.json()["code"]) == (403, "session_required")


async def admins_key(admin: Person) -> dict[str, str]:
    return {"X-API-Key": (await make_key(admin, scopes=["read", "write", "admin"]))["key"]}


async def test_a_key_does_not_delete_its_owner(
    client: httpx2.AsyncClient, people: MakePerson, authenticated_user: Person
) -> None:
    leaving, _ = await people(Role.ADMIN), await people(Role.ADMIN)
    plain = {"X-API-Key": (await make_key(authenticated_user))["key"]}

    answers = [
        await client.delete(authenticated_user.path, headers=plain),
        await client.delete(leaving.path, headers=await admins_key(leaving)),
    ]

    assert [(a.status_code, a.json()["code"]) for a in answers] == [(403, "session_required")] * 2
    assert (await authenticated_user.client.get(ME)).status_code == 200


async def test_an_admins_key_deletes_others(
    client: httpx2.AsyncClient, admin: Person, authenticated_user: Person
) -> None:
    answer = await client.delete(authenticated_user.path, headers=await admins_key(admin))

    assert answer.status_code == 204


async def test_a_key_makes_nobody_an_admin(
    client: httpx2.AsyncClient, admin: Person, authenticated_user: Person
) -> None:
    """Who was made one would be it still when the key is revoked."""
    key = await admins_key(admin)
    body, invitations = {"role": "admin"}, "/api/v1/auth/invitations"

    answers = [
        await client.post("/api/v1/users", json=sign_up_body(role="admin"), headers=key),
        await client.patch(authenticated_user.path, json=body, headers=key),
        await client.post(invitations, json=body, headers=key),
    ]

    assert [(a.status_code, a.json()["code"]) for a in answers] == [(403, "session_required")] * 3


async def test_an_admins_key_makes_members(
    client: httpx2.AsyncClient, admin: Person, people: MakePerson
) -> None:
    key, deposed = await admins_key(admin), await people(Role.ADMIN)

    made = await client.post("/api/v1/users", json=sign_up_body(), headers=key)
    changed = await client.patch(deposed.path, json={"role": "member"}, headers=key)
    invited = await client.post("/api/v1/auth/invitations", json={}, headers=key)

    assert [a.status_code for a in (made, changed, invited)] == [201, 200, 201]


@pytest.mark.parametrize("change", [{"email": "mine@example.com"}, {"is_active": True}])
async def test_a_key_opens_no_other_admins_account(
    client: httpx2.AsyncClient, people: MakePerson, change: dict[str, object]
) -> None:
    admin, other = await people(Role.ADMIN), await people(Role.ADMIN)
    full = {"X-API-Key": (await make_key(admin, scopes=["read", "write", "admin"]))["key"]}

    by_key = await client.patch(other.path, json=change, headers=full)
    signed_in = await admin.client.patch(other.path, json=change)

    assert (by_key.status_code, by_key.json()["code"]) == (403, "session_required")
    assert signed_in.status_code == 200


@pytest.mark.parametrize(
    "values",
    [
        {"scopes": []},
        {"scopes": ["everything"]},
        {"name": " "},
        {"name": "a" * 101},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "soon"},
    ],
)
async def test_refuses_what_is_not_acceptable(
    authenticated_user: Person, values: dict[str, object]
) -> None:
    answer = await authenticated_user.client.post(KEYS, json={"name": "key"} | values)

    assert answer.status_code == 422
