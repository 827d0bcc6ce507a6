"""What admins see of messages that are none of theirs."""

from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import select

from hubbub.activity.models import Activity
from hubbub.kit.resources import Resources
from tests.fixtures.people import Person
from tests.messages.conftest import MakeTalker, Talker

MESSAGES = "/api/v1/messages"
METADATA = f"{MESSAGES}/metadata"


async def test_admins_alone(
    client: httpx2.AsyncClient, alice: Talker, bob: Talker, admin: Person, talkers: MakeTalker
) -> None:
    sent = (await alice.send(bob)).json()
    agent = await talkers("of-an-admin", admin)
    reveal = f"{MESSAGES}/{sent['id']}/reveal"
    narrow = await admin.client.post(
        "/api/v1/api-keys", json={"name": "narrow", "scopes": ["read", "write"]}
    )
    key = {"X-API-Key": narrow.json()["key"]}

    assert (await client.get(METADATA)).status_code == 401
    assert (await client.post(reveal, json={"reason": "x"})).status_code == 401
    for other in (alice.client, alice.owner.client, agent.client):
        assert (await other.get(METADATA)).json()["code"] == "admins_only"
        assert (await other.post(reveal, json={"reason": "x"})).json()["code"] == "admins_only"
    assert (await client.get(METADATA, headers=key)).json()["code"] == "admins_only"


async def test_metadata_says_everything_but_what_was_said(
    alice: Talker, bob: Talker, admin: Person, talkers: MakeTalker
) -> None:
    carol = await talkers("carol")
    sent = (
        await alice.send(bob, carol, content="sécret", metadata={"hidden": 1}, priority="high")
    ).json()
    await bob.client.post(f"{bob.inbox}/ack", json={"up_to": 1})

    answer = await admin.client.get(METADATA)

    [item] = answer.json()["items"]
    assert (item["id"], item["from_name"], item["to"]) == (
        *(sent["id"], "alice"),
        ["agent:bob", "agent:carol"],
    )
    assert (item["size"], item["priority"]) == (7, "high")
    assert item["metadata_size"] >= len('{"hidden":1}')
    assert item["states"] == {"acked": 1, "queued": 1}
    assert "cret" not in answer.text
    assert "hidden" not in answer.text
    assert (await admin.client.get(MESSAGES)).json()["items"] == []
    assert (await admin.client.get(f"{MESSAGES}/{sent['id']}")).status_code == 404


async def test_metadata_is_filtered_and_paged(
    alice: Talker, bob: Talker, admin: Person, talkers: MakeTalker
) -> None:
    carol = await talkers("carol")
    one = (await alice.send(bob)).json()
    two = (await bob.send(carol)).json()
    three = (await carol.send(alice)).json()
    await carol.client.delete(f"{MESSAGES}/{three['id']}")

    async def ids(**params: object) -> list[str]:
        answer = await admin.client.get(METADATA, params={k: str(v) for k, v in params.items()})
        return [each["id"] for each in answer.json()["items"]]

    assert await ids() == [three["id"], two["id"], one["id"]]
    assert await ids(agent=alice.id) == [three["id"], one["id"]]
    assert await ids(since=two["created_at"]) == [three["id"], two["id"]]
    assert await ids(agent=bob.id, until=two["created_at"]) == [one["id"]]
    first = (await admin.client.get(METADATA, params={"limit": 2})).json()
    assert await ids(limit=2, cursor=first["next_cursor"]) == [one["id"]]
    for wrong in ({"agent": "x"}, {"since": "x"}, {"limit": 0}):
        assert (await admin.client.get(METADATA, params=wrong)).status_code == 422
    wrong_cursor = await admin.client.get(METADATA, params={"cursor": "x"})
    assert wrong_cursor.json()["code"] == "invalid_cursor"


async def test_a_reveal_is_on_record(
    alice: Talker, bob: Talker, admin: Person, hub: Resources
) -> None:
    sent = (await alice.send(bob, content="secret")).json()

    answer = await admin.client.post(
        f"{MESSAGES}/{sent['id']}/reveal", json={"reason": " reported by bob "}
    )

    assert (answer.status_code, answer.json()) == (200, sent)
    async with hub.database.read() as session:
        [act] = await session.scalars(select(Activity).where(Activity.action == "message.revealed"))
    assert (act.actor_id, act.target_id) == (admin.id, UUID(sent["id"]))
    assert act.details == {"reason": "reported by bob"}


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "  "}, {"reason": "x" * 501}])
async def test_a_reveal_needs_a_reason(
    alice: Talker, bob: Talker, admin: Person, body: dict[str, str]
) -> None:
    sent = (await alice.send(bob)).json()

    answer = await admin.client.post(f"{MESSAGES}/{sent['id']}/reveal", json=body)

    assert answer.status_code == 422


async def test_what_is_not_there_cannot_be_revealed(admin: Person) -> None:
    answer = await admin.client.post(f"{MESSAGES}/{uuid4()}/reveal", json={"reason": "x"})

    assert (answer.status_code, answer.json()["code"]) == (404, "message_not_found")
