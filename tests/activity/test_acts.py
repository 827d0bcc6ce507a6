"""What people do to each other's accounts and things is written down, and no secret with it."""

from datetime import UTC, datetime
from typing import Any

import httpx2

from hubbub.kit.resources import Resources
from hubbub.messages.service.expiry import forget
from tests.activity.test_listing import listed
from tests.agents.helpers import make_agent, path
from tests.fixtures.factories import PASSWORD, sign_up_body
from tests.fixtures.people import Person
from tests.fixtures.waiting import eventually


async def newest(admin: Person, action: str) -> dict[str, Any]:
    return (await listed(admin.client, action=action))[0]


async def test_a_failed_sign_in_names_the_account(
    client: httpx2.AsyncClient, admin: Person, authenticated_user: Person
) -> None:
    for login in (authenticated_user.email, "nobody@example.com"):
        await client.post("/api/v1/auth/token", data={"username": login, "password": "x"})

    unknown, known = await listed(admin.client, action="auth.sign_in_failed")

    assert (known["actor_id"], known["object_id"]) == (None, str(authenticated_user.id))
    assert (unknown["object_kind"], unknown["object_id"]) == (None, None)
    assert "nobody" not in str(unknown)


async def test_an_invitation_from_its_making_to_its_use(
    client: httpx2.AsyncClient, admin: Person
) -> None:
    made = (await admin.client.post("/api/v1/auth/invitations", json={})).json()
    token = made["link"].partition("token=")[2]
    body = sign_up_body(invitation=token)
    new = (await client.post("/api/v1/users", json=body)).json()

    accepted = await newest(admin, "auth.invitation_accepted")

    assert (accepted["actor_id"], accepted["object_id"]) == (new["id"], made["id"])
    created = await newest(admin, "user.account_created")
    assert (created["actor_id"], created["object_id"]) == (new["id"], new["id"])


async def test_what_an_admin_changes_is_said(admin: Person, authenticated_user: Person) -> None:
    await admin.client.patch(authenticated_user.path, json={"is_active": False, "full_name": "X"})

    act = await newest(admin, "user.updated")

    assert act["object_id"] == str(authenticated_user.id)
    assert act["details"] == {"fields": "full_name, is_active", "is_active": False}


async def test_agents_that_go_with_their_owner(admin: Person, authenticated_user: Person) -> None:
    ada = await make_agent(authenticated_user, "ada")
    gone = await admin.client.delete(authenticated_user.path, params={"discard": True})
    assert gone.status_code == 204

    act = await newest(admin, "agent.deleted")

    assert act["object_id"] == ada["id"]
    assert act["details"] == {"owner": str(authenticated_user.id)}


async def test_a_reset_that_was_asked_for(
    client: httpx2.AsyncClient, admin: Person, authenticated_user: Person
) -> None:
    await client.post("/api/v1/auth/password-reset", json={"email": authenticated_user.email})

    async def is_recorded() -> bool:
        found = await listed(admin.client, action="auth.reset_asked")
        return [each["object_id"] for each in found] == [str(authenticated_user.id)]

    await eventually(is_recorded)


async def test_muting_is_written_down_when_it_changes_something(
    admin: Person, authenticated_user: Person
) -> None:
    client = authenticated_user.client
    room = (await client.post("/api/v1/rooms", json={"name": "ops"})).json()
    for muted in (True, True, False):
        answer = await client.post(f"/api/v1/rooms/{room['id']}/mute", json={"muted": muted})
        assert answer.status_code == 200, answer.text

    acts = [each["action"] for each in await listed(admin.client, object=room["id"])]

    assert acts[:2] == ["room.unmuted", "room.muted"]
    assert acts.count("room.muted") == 1


async def test_sends_reads_and_acks_are_no_acts(
    hub: Resources, admin: Person, authenticated_user: Person
) -> None:
    ada = await make_agent(authenticated_user, "ada")
    bob = await make_agent(authenticated_user, "bob")
    before = len(await listed(admin.client))
    body = {"from_agent_id": ada["id"], "to_agent_id": bob["id"], "content": "hello"}
    sent = await authenticated_user.client.post("/api/v1/messages", json=body)
    assert sent.status_code == 201
    for what in ("read", "ack"):
        where = path(bob, "inbox", what)
        assert (await authenticated_user.client.post(where, json={"up_to": 1})).is_success

    assert len(await listed(admin.client)) == before
    await forget(hub.database, datetime.now(UTC))
    [forgotten] = (await listed(admin.client))[: -before or None]
    assert forgotten["action"] == "messages.forgotten"


async def test_no_secret_is_in_it(
    client: httpx2.AsyncClient, admin: Person, authenticated_user: Person
) -> None:
    mine = authenticated_user.client
    ada = await make_agent(
        authenticated_user,
        "ada",
        gateway_kind="openclaw",
        gateway_url="http://127.0.0.1:9/",
        gateway_token="the-gateways-token",
        session_key="main",
    )
    rotated = (await mine.post(path(ada, "key"), json={})).json()["key"]
    key = (await mine.post("/api/v1/api-keys", json={"name": "k"})).json()["key"]
    secret = (await mine.post(path(ada, "gateway", "secret"), json={})).json()["secret"]
    invited = (await admin.client.post("/api/v1/auth/invitations", json={})).json()["link"]
    await client.post("/api/v1/auth/token", data={"username": "x", "password": "Guessed-1"})

    written = str(await listed(admin.client))

    assert "agent.key_rotated" in written
    tokens = authenticated_user.tokens.values()
    for hidden in ("the-gateways-token", ada["key"], rotated, key, secret, PASSWORD, "Guessed-1"):
        assert hidden not in written
    assert invited.partition("token=")[2] not in written
    assert not any(str(token) in written for token in tokens if len(str(token)) > 20)
