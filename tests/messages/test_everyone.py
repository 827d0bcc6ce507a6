"""A message to everyone: who may send it, who gets it, and in which steps."""

from typing import Any
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import delete, insert, select

from hubbub.agents.models import Agent
from hubbub.kit.db.dialect import db_now
from hubbub.kit.ids import new_id
from hubbub.kit.resources import Resources
from hubbub.messages.models import FanOut
from tests.fixtures.people import Person
from tests.fixtures.waiting import eventually
from tests.messages.conftest import MakeTalker, Talker
from tests.messages.helpers import (
    MESSAGES,
    ahead,
    count,
    heard,
    let_come_due,
    open_in,
    refusal,
)

EVERYONE: dict[str, Any] = {"to": ["everyone"], "content": "hear, hear"}


async def read(client: httpx2.AsyncClient, sent: dict[str, Any]) -> dict[str, Any]:
    answer = await client.get(f"{MESSAGES}/{sent['id']}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def spread(client: httpx2.AsyncClient, sent: dict[str, Any]) -> dict[str, Any]:
    """How far it came, once it is done."""
    seen: dict[str, Any] = {}

    async def is_done() -> bool:
        seen.update((await read(client, sent))["spread"])
        return bool(seen["done"])

    await eventually(is_done)
    return seen


async def tell_all(client: httpx2.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await client.post(MESSAGES, json=EVERYONE | more)
    assert answer.status_code == 201, answer.text
    sent: dict[str, Any] = answer.json()
    return sent


async def crowd(hub: Resources, owner: Person, size: int) -> list[UUID]:
    """So many agents at once, as copies of none."""
    ids = [new_id() for _ in range(size)]
    rows = [
        {
            "id": each,
            "handle": f"crowd-{number}",
            "display_name": "x",
            "display_key": "x",
            "kind": "agent",
            "owner_id": owner.id,
        }
        for number, each in enumerate(ids)
    ]
    async with hub.database.write() as session:
        await session.execute(insert(Agent), rows)
    return ids


class TestWho:
    async def test_admins_may_and_members_and_agents_not(
        self, admin: Person, alice: Talker, hub: Resources
    ) -> None:
        for sender in (alice.client, alice.owner.client):
            answer = await sender.post(MESSAGES, json=EVERYONE)
            assert refusal(answer) == (403, "broadcast_not_allowed")
        assert await count(hub, "message") == 0

        sent = await tell_all(admin.client)

        assert sent["spread"] == {"done": False, "reached": 0, "skipped": 0}
        assert (sent["to"], sent["to_agent_id"]) == (["everyone"], None)

    async def test_an_agent_may_whom_an_admin_lets(self, admin: Person, alice: Talker) -> None:
        path = f"/api/v1/agents/{alice.id}"
        by_owner = await alice.owner.client.patch(path, json={"may_broadcast": True})
        by_admin = await admin.client.patch(path, json={"may_broadcast": True})
        allowed = await alice.client.post(MESSAGES, json=EVERYONE)
        await admin.client.patch(path, json={"may_broadcast": False})
        no_more = await alice.client.post(MESSAGES, json=EVERYONE)

        assert (by_owner.status_code, by_admin.status_code) == (403, 200)
        assert (allowed.status_code, no_more.status_code) == (201, 403)

    async def test_an_api_key_needs_the_scope(
        self, admin: Person, client: httpx2.AsyncClient
    ) -> None:
        statuses = []
        for scopes in (["read", "write"], ["read", "write", "broadcast"]):
            made = await admin.client.post("/api/v1/api-keys", json={"name": "k", "scopes": scopes})
            headers = {"X-API-Key": made.json()["key"]}
            answer = await client.post(MESSAGES, json=EVERYONE, headers=headers)
            statuses.append(answer.status_code)

        assert statuses == [403, 201]

    async def test_an_admin_may_for_an_agent_of_theirs(
        self, admin: Person, talkers: MakeTalker, bob: Talker
    ) -> None:
        herald = await talkers("herald", admin)

        sent = await tell_all(admin.client, from_agent_id=str(herald.id))
        await spread(admin.client, sent)

        assert (await bob.read())["items"][0]["message"]["from_name"] == "herald"


class TestWhom:
    async def test_all_but_the_sender_and_those_who_refuse(
        self, admin: Person, alice: Talker, bob: Talker, talkers: MakeTalker
    ) -> None:
        herald = await talkers("herald", admin)
        friend = await talkers("friend", bob.owner, accepts="contacts")
        shut = await talkers("shut", bob.owner, accepts="nobody")
        path = f"/api/v1/agents/{bob.id}/blocks"
        assert (await bob.owner.client.post(path, json={"other": "herald"})).status_code < 300

        sent = await tell_all(admin.client, from_agent_id=str(herald.id))
        came = await spread(admin.client, sent)

        # alice and the persons of all three users
        assert came == {"done": True, "reached": 4, "skipped": 3}
        assert await heard(alice) == ["hear, hear"]
        for other in (bob, friend, shut, herald):
            assert await heard(other) == []
        deliveries = await admin.client.get(f"{MESSAGES}/{sent['id']}/deliveries")
        assert len(deliveries.json()["items"]) == 4

    async def test_deleted_agents_are_passed_over(
        self, admin: Person, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        await bob.owner.client.delete(f"/api/v1/agents/{bob.id}")

        came = await spread(admin.client, await tell_all(admin.client))

        assert came["skipped"] == 0
        assert (await heard(alice), await open_in(hub, bob)) == (["hear, hear"], 0)

    async def test_it_is_read_acknowledged_and_answered_like_any_other(
        self, admin: Person, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        sent = await tell_all(admin.client)
        await spread(admin.client, sent)

        await alice.client.post(f"{alice.inbox}/ack", json={"up_to": 1})
        reply = await alice.send(bob, reply_to=sent["id"])

        assert reply.json()["thread_id"] == sent["id"]
        assert (await open_in(hub, alice), await open_in(hub, bob)) == (0, 2)

    async def test_sent_again_it_is_told_as_it_was_at_first(
        self, admin: Person, alice: Talker
    ) -> None:
        headers = {"Idempotency-Key": "k"}
        first = await admin.client.post(MESSAGES, json=EVERYONE, headers=headers)
        await spread(admin.client, first.json())

        again = await admin.client.post(MESSAGES, json=EVERYONE, headers=headers)

        assert again.json() == first.json()
        assert again.headers["idempotency-replayed"] == "true"
        assert await heard(alice) == ["hear, hear"]


class TestSteps:
    async def test_many_take_several_steps_and_each_gets_it_once(
        self, admin: Person, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        await crowd(hub, admin, 1200)
        await alice.send(bob, content="before")

        sent = await tell_all(admin.client)
        came = await spread(admin.client, sent)

        # the crowd, two agents and their persons
        assert came == {"done": True, "reached": 1204, "skipped": 0}
        assert await count(hub, "delivery") == 1205
        assert await count(hub, "delivery WHERE seq = 1") == 1204
        assert await heard(bob) == ["before", "hear, hear"]

    async def test_what_is_begun_is_taken_up_where_it_was_left(
        self, admin: Person, hub: Resources, app: FastAPI
    ) -> None:
        ids = sorted(await crowd(hub, admin, 900))
        sent = await tell_all(admin.client, deliver_at=ahead(days=1))
        message_id = UUID(sent["id"])
        # as after the first step of a process that was killed then
        async with hub.database.write() as session:
            row = await session.get(FanOut, message_id)
            assert row is not None
            row.after_id, row.reached = ids[499], 500
        await let_come_due(hub, sent["id"])

        came = await spread(admin.client, sent)

        assert came["reached"] == 900
        assert await count(hub, "delivery") == 400
        assert not await app.state.messages.writer.fan_out()

    async def test_withdrawn_halfway_it_ends_there(
        self, admin: Person, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        await crowd(hub, admin, 600)
        sent = await tell_all(admin.client)
        await spread(admin.client, sent)
        await alice.client.post(f"{alice.inbox}/ack", json={"up_to": 1})

        answer = await admin.client.delete(f"{MESSAGES}/{sent['id']}")

        assert answer.status_code == 200
        page: dict[str, Any] = answer.json()
        states: dict[str, str] = {}
        while True:
            states |= {each["agent_id"]: each["state"] for each in page["items"]}
            assert len(page["items"]) <= 100
            if page["next_cursor"] is None:
                break
            more = {"cursor": page["next_cursor"], "limit": 100}
            where = f"{MESSAGES}/{sent['id']}/deliveries"
            page = (await admin.client.get(where, params=more)).json()
        assert states.pop(str(alice.id)) == "acked"
        assert set(states.values()) == {"withdrawn"}
        assert len(states) == 603
        assert (await heard(bob), await open_in(hub, bob)) == ([None], 0)
        assert await count(hub, "counter WHERE open <> 0") == 0

    async def test_a_sender_that_is_gone_reaches_nobody_more(
        self, admin: Person, alice: Talker, talkers: MakeTalker, hub: Resources
    ) -> None:
        herald = await talkers("herald", admin)
        sent = await tell_all(admin.client, from_agent_id=str(herald.id), deliver_at=ahead(hours=1))
        await admin.client.delete(f"/api/v1/agents/{herald.id}")
        await let_come_due(hub, sent["id"])

        async def is_done() -> bool:
            async with hub.database.read() as session:
                return await session.scalar(select(FanOut.done_at)) is not None

        await eventually(is_done)

        assert await heard(alice) == []


@pytest.mark.parametrize("size", [499, 500, 501])
async def test_a_step_may_end_anywhere(admin: Person, hub: Resources, size: int) -> None:
    sent = await tell_all(admin.client, deliver_at=ahead(hours=1))
    async with hub.database.write() as session:
        await session.execute(delete(FanOut))
    # the admin is one of them
    await crowd(hub, admin, size - 1)
    async with hub.database.write() as session:
        session.add(
            FanOut(
                message_id=UUID(sent["id"]),
                due_at=db_now(),
                to_everyone=True,
                recipients=[],
                reached=0,
                skipped=0,
            )
        )

    came = await spread(admin.client, sent)

    assert came == {"done": True, "reached": size - 1, "skipped": 0}
