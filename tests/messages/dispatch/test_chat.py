"""Gateways that answer in the same breath, and that mustn't be asked twice."""

import asyncio
from typing import Any
from uuid import UUID

import orjson
from fastapi import FastAPI
from sqlalchemy import select, update

from hubbub.kit.resources import Resources
from hubbub.messages.models import Lane, PendingPush
from tests.fixtures.elsewhere import Behaviour, says, writes
from tests.fixtures.waiting import eventually
from tests.messages.conftest import Talker
from tests.messages.dispatch.conftest import (
    MakeGateway,
    deliveries,
    until_all,
    when,
)

CHAT: dict[str, Any] = {"gateway_kind": "openclaw-chat", "gateway_token": "secret"}


def replies(text: str) -> Behaviour:
    message = {"choices": [{"message": {"role": "assistant", "content": text}}]}
    return says(200, orjson.dumps(message))


async def test_an_answer_becomes_a_reply_in_the_thread(
    alice: Talker, gateways: MakeGateway
) -> None:
    bob = await gateways("bob", replies("I am well"), **CHAT)
    sent = (await alice.send(bob.agent, content="how are you?")).json()
    page = await alice.read(wait=10)
    [entry] = page["items"]
    assert entry["message"]["content"] == "I am well"
    assert entry["message"]["from_name"] == "bob"
    assert entry["message"]["reply_to"] == sent["id"]
    assert entry["message"]["thread_id"] == sent["thread_id"]
    await until_all(bob.agent, "delivered", 1)


async def test_nothing_is_said_where_there_is_nothing_to_say(
    alice: Talker, gateways: MakeGateway
) -> None:
    bob = await gateways("bob", replies("NO_REPLY"), **CHAT)
    await alice.send(bob.agent)
    await until_all(bob.agent, "delivered", 1)
    assert (await alice.read())["items"] == []


async def test_what_was_said_in_a_room_is_answered_there(
    alice: Talker, gateways: MakeGateway
) -> None:
    bob = await gateways("bob", replies("hello, all"), **CHAT)
    made = await alice.client.post("/api/v1/rooms", json={"name": "lobby"})
    await bob.agent.client.post(f"/api/v1/rooms/{made.json()['id']}/join")
    await alice.client.post("/api/v1/messages", json={"to": ["room:lobby"], "content": "hi"})
    [entry] = (await alice.read(wait=10))["items"]
    assert entry["message"]["room_id"] == made.json()["id"]


async def test_a_reply_that_nobody_takes_leaves_the_delivery_delivered(
    alice: Talker, gateways: MakeGateway
) -> None:
    bob = await gateways("bob", replies("hello"), **CHAT)
    await alice.owner.client.patch(f"/api/v1/agents/{alice.id}", json={"accepts": "nobody"})
    await alice.send(bob.agent)
    await until_all(bob.agent, "delivered", 1)
    [delivery] = await deliveries(bob.agent)
    answer = await bob.agent.owner.client.get(f"/api/v1/deliveries/{delivery['id']}/attempts")
    assert answer.json()[0]["reason"] == "reply_recipient_refuses"


async def test_an_end_of_which_nobody_knows_is_not_tried_again(
    alice: Talker, gateways: MakeGateway
) -> None:
    bob = await gateways("bob", writes(b"HTTP/1.1 20"), **CHAT)
    await alice.send(bob.agent)
    await until_all(bob.agent, "failed", 1)
    [delivery] = await deliveries(bob.agent)
    assert (delivery["reason"], len(bob.received)) == ("outcome_unknown", 1)


async def test_unless_the_owner_prefers_twice_to_never(
    alice: Talker, gateways: MakeGateway
) -> None:
    bob = await gateways("bob", writes(b"HTTP/1.1 20"), retry_ambiguous=True, **CHAT)
    await alice.send(bob.agent)
    await bob.has_received(2)
    bob.behaviour = replies("at last")
    await until_all(bob.agent, "delivered", 1)


async def begun_by_one_who_died(hub: Resources, agent: Talker) -> None:
    """As a worker leaves it that is killed while it posts."""
    async with hub.database.write() as session:
        await session.execute(
            update(PendingPush).where(PendingPush.recipient_id == agent.id).values(posting=True)
        )


async def paused(agent: Talker) -> None:
    await agent.owner.client.post(f"/api/v1/agents/{agent.id}/gateway/pause")


async def resumed(agent: Talker) -> None:
    await agent.owner.client.post(f"/api/v1/agents/{agent.id}/gateway/resume")


async def test_a_post_that_was_begun_by_one_who_died_is_not_begun_again(
    alice: Talker, gateways: MakeGateway, hub: Resources
) -> None:
    bob = await gateways("bob", replies("hello"), **CHAT)
    await paused(bob.agent)
    await alice.send(bob.agent)
    await begun_by_one_who_died(hub, bob.agent)
    await resumed(bob.agent)
    await until_all(bob.agent, "failed", 1)
    assert bob.received == []
    [delivery] = await deliveries(bob.agent)
    assert delivery["reason"] == "outcome_unknown"


async def test_the_reply_tells_that_it_had_arrived(
    alice: Talker, gateways: MakeGateway, hub: Resources
) -> None:
    bob = await gateways("bob", replies("hello"), **CHAT)
    await paused(bob.agent)
    sent = (await alice.send(bob.agent)).json()
    [delivery] = await deliveries(bob.agent)
    await bob.agent.send(alice, content="hello", reply_to=sent["id"], key=delivery["id"])
    await begun_by_one_who_died(hub, bob.agent)
    await resumed(bob.agent)
    await until_all(bob.agent, "delivered", 1)
    assert bob.received == []
    assert UUID(sent["id"])
    assert len((await alice.read())["items"]) == 1


async def test_several_turns_of_one_agent_come_in_their_order_in_ordered_lanes(
    alice: Talker, gateways: MakeGateway
) -> None:
    bob = await gateways("bob", replies("ok"), ordered=True, **CHAT)
    await asyncio.gather(*(alice.send(bob.agent, content=str(n)) for n in range(5)))
    await until_all(bob.agent, "delivered", 5)

    async def answered() -> bool:
        return len((await alice.read())["items"]) == 5

    await eventually(answered)
    assert bob.most_at_work == 1


async def test_a_stop_waits_for_a_chat_and_lets_go_of_all_else(
    app: FastAPI, alice: Talker, gateways: MakeGateway, hub: Resources
) -> None:
    answered, never = asyncio.Event(), asyncio.Event()
    bob = await gateways("bob", when(answered, replies("at last")), **CHAT)
    hanging = await gateways("hanging", when(never, says(200)))
    await alice.send(bob.agent, hanging.agent)
    await bob.has_received(1)
    await hanging.has_received(1)

    async def held() -> list[UUID]:
        async with hub.database.read() as session:
            statement = select(Lane.agent_id).where(Lane.lease_until.is_not(None))
            return list(await session.scalars(statement))

    async def chat_alone() -> bool:
        return await held() == [bob.agent.id]

    stopping = asyncio.create_task(app.state.messages.dispatcher.stop())
    await eventually(chat_alone)
    answered.set()
    await stopping

    assert await held() == []
    [delivery] = await deliveries(bob.agent)
    assert delivery["state"] == "delivered"
    [entry] = (await alice.read())["items"]
    assert entry["message"]["content"] == "at last"
    assert (await deliveries(hanging.agent))[0]["state"] == "queued"
