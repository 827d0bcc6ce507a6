"""What gets through, in which order, and how many at a time."""

import asyncio

from sqlalchemy import func, select

from hubbub.kit.resources import Resources
from hubbub.messages.dispatch import gauges
from hubbub.messages.models import Lane, PendingPush
from tests.files import helpers as files
from tests.fixtures.elsewhere import says
from tests.messages.conftest import MakeTalker, Talker
from tests.messages.dispatch.conftest import (
    MakeGateway,
    chosen,
    deliveries,
    first,
    said,
    until_all,
    until_paused,
    when,
)


async def test_what_is_sent_is_pushed_and_then_delivered(
    alice: Talker, gateways: MakeGateway
) -> None:
    bob = await gateways("bob")
    sent = (await alice.send(bob.agent, content="hello")).json()
    await until_all(bob.agent, "delivered", 1)
    assert bob.contents == ["hello"]
    [delivery] = await deliveries(bob.agent)
    assert delivery["attempts"] == 1
    assert delivery["next_attempt_at"] is None
    attempts = await bob.agent.owner.client.get(f"/api/v1/deliveries/{delivery['id']}/attempts")
    [attempt] = attempts.json()
    assert (attempt["number"], attempt["outcome"], attempt["status"]) == (1, "delivered", 200)
    read = await alice.client.get(f"/api/v1/messages/{sent['id']}")
    assert read.json()["delivered"] is True


async def test_an_ordered_agent_gets_one_after_the_other(
    alice: Talker, gateways: MakeGateway
) -> None:
    bob = await gateways("bob", ordered=True)
    for number in range(12):
        await alice.send(bob.agent, content=str(number), priority=("low", "urgent")[number % 2])
    await until_all(bob.agent, "delivered", 12)
    assert bob.contents == [str(number) for number in range(12)]
    assert bob.most_at_work == 1


async def test_an_ordered_lane_waits_for_its_head(alice: Talker, gateways: MakeGateway) -> None:
    bob = await gateways("bob", first(2, says(503), says(200)), ordered=True)
    for number in range(3):
        await alice.send(bob.agent, content=str(number))
    await until_all(bob.agent, "delivered", 3)
    assert bob.contents == ["0", "0", "0", "1", "2"]


async def test_as_many_at_a_time_as_the_agent_takes_and_the_urgent_first(
    alice: Talker, gateways: MakeGateway
) -> None:
    opened = asyncio.Event()
    bob = await gateways("bob", when(opened, says(200)), max_in_flight=3)
    for number in range(3):
        await alice.send(bob.agent, content=str(number))
    await bob.has_received(3)
    for priority in ("low", "normal", "high", "urgent"):
        await alice.send(bob.agent, content=priority, priority=priority)
    opened.set()
    await until_all(bob.agent, "delivered", 7)
    assert bob.most_at_work == 3
    assert bob.contents[-1] == "low"
    assert bob.contents.index("urgent") < bob.contents.index("normal")


async def test_a_place_that_is_free_is_used_while_others_are_busy(
    alice: Talker, gateways: MakeGateway
) -> None:
    opened = asyncio.Event()
    slow, quick = when(opened, says(200)), says(200)
    bob = await gateways("bob", chosen(lambda got: slow if said(got) == "slow" else quick))
    await alice.send(bob.agent, content="slow")
    await bob.has_received(1)
    await alice.send(bob.agent, content="quick")
    await bob.has_received(2)
    opened.set()
    await until_all(bob.agent, "delivered", 2)


async def test_a_gateway_that_hangs_holds_up_nobody_else(
    alice: Talker, gateways: MakeGateway
) -> None:
    hanging = await gateways("hanging", when(asyncio.Event(), says(200)))
    bob = await gateways("bob")
    for _ in range(5):
        await alice.send(hanging.agent, bob.agent)
    await until_all(bob.agent, "delivered", 5, within=4)
    assert len(hanging.received) == 4


async def test_who_has_acknowledged_is_not_pushed_to_any_more(
    alice: Talker, gateways: MakeGateway
) -> None:
    bob = await gateways("bob", ordered=True)
    await bob.agent.owner.client.post(f"/api/v1/agents/{bob.agent.id}/gateway/pause")
    ids = [(await alice.send(bob.agent, content=str(n))).json()["id"] for n in range(3)]
    await bob.agent.client.post(f"{bob.agent.inbox}/ack", json={"ids": ids[:1]})
    await alice.client.delete(f"/api/v1/messages/{ids[1]}")
    await bob.agent.owner.client.post(f"/api/v1/agents/{bob.agent.id}/gateway/resume")
    await bob.has_received(1)
    await alice.send(bob.agent, content="last")
    await bob.has_received(2)
    assert bob.contents == ["2", "last"]
    states = [each["state"] for each in await deliveries(bob.agent)]
    assert states[2:] == ["withdrawn", "acked"]


async def test_members_of_a_room_are_pushed_to(
    alice: Talker, gateways: MakeGateway, talkers: MakeTalker
) -> None:
    bob = await gateways("bob")
    carol = await talkers("carol")
    made = await alice.client.post("/api/v1/rooms", json={"name": "lobby"})
    for member in (bob.agent, carol):
        await member.client.post(f"/api/v1/rooms/{made.json()['id']}/join")
    await alice.client.post("/api/v1/messages", json={"to": ["room:lobby"], "content": "hi"})
    await until_all(bob.agent, "delivered", 1)
    assert bob.received[0].json()["data"]["message"]["room"] == "lobby"  # type: ignore[index]
    [pulled] = await deliveries(carol)
    assert (pulled["state"], pulled["next_attempt_at"]) == ("queued", None)


async def test_what_was_pushed_is_counted(
    alice: Talker, gateways: MakeGateway, hub: Resources
) -> None:
    bob, carol = await gateways("bob"), await gateways("carol", says(403))
    await alice.send(bob.agent, carol.agent)
    await until_all(bob.agent, "delivered", 1)
    await until_paused(carol.agent, "forbidden")
    await gauges.measure(hub)
    seen = (await alice.client.get("/metrics")).text
    assert 'hubbub_pushes_total{kind="webhook",outcome="delivered"} 1.0' in seen
    assert 'hubbub_push_lanes{state="paused"} 1.0' in seen


async def test_who_fetches_leaves_no_trace_among_the_pushes(
    alice: Talker, bob: Talker, hub: Resources
) -> None:
    assert (await alice.send(bob)).status_code == 201
    async with hub.database.read() as session:
        for table in (PendingPush, Lane):
            assert await session.scalar(select(func.count()).select_from(table)) == 0


async def test_files_are_named_and_can_be_fetched_with_the_agents_key(
    alice: Talker, gateways: MakeGateway
) -> None:
    bob = await gateways("bob")
    carol = await gateways(
        "carol", gateway_kind="openclaw", gateway_token="t", session_key="hook:hub:carol"
    )
    file = await files.sent(alice, name="plan.txt")

    await alice.send(bob.agent, carol.agent, file_ids=[file["id"]])
    await alice.send(bob.agent)
    await bob.has_received(2)
    await carol.has_received(1)

    pushed = [each.json()["data"]["message"]["files"] for each in bob.received]  # type: ignore[index]
    assert sorted(pushed, key=len) == [[], files.shown(file)]
    [got] = carol.received
    where = f"/api/v1/files/{file['id']}/content"
    assert f'"plan.txt", text/plain, {file["size"]} bytes' in str(got.json()["message"])
    assert where in str(got.json()["message"])
    assert (await carol.agent.client.get(where)).content == files.TEXT
