"""What doesn't get through: tried again, paused, given up, replayed."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from hubbub.settings import DeliverySettings
from tests.fixtures.elsewhere import says
from tests.fixtures.people import Person
from tests.fixtures.waiting import eventually
from tests.messages.conftest import MakeTalker, Talker
from tests.messages.dispatch.conftest import (
    QUICK,
    MakeGateway,
    deliveries,
    first,
    status_of,
    until_all,
    until_paused,
    when,
)

SINCE = {"since": "2020-01-01T00:00:00Z"}


async def notices(person: Person, kind: str) -> list[dict[str, object]]:
    answer = await person.client.get("/api/v1/notifications")
    return [each for each in answer.json()["items"] if each["kind"] == kind]


async def attempts_of(agent: Talker, delivery_id: str) -> list[dict[str, object]]:
    answer = await agent.owner.client.get(f"/api/v1/deliveries/{delivery_id}/attempts")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json()
    return found


async def test_a_failure_is_tried_again(alice: Talker, gateways: MakeGateway) -> None:
    bob = await gateways("bob", first(2, says(500, "out of order"), says(200)))
    await alice.send(bob.agent)
    await until_all(bob.agent, "delivered", 1)
    [delivery] = await deliveries(bob.agent)
    seen = await attempts_of(bob.agent, delivery["id"])
    assert [each["outcome"] for each in seen] == ["retry", "retry", "delivered"]
    assert [each["number"] for each in seen] == [1, 2, 3]
    assert seen[0]["answer"] == "out of order"
    assert len({each.headers["webhook-id"] for each in bob.received}) == 1


async def test_after_the_last_try_it_has_failed_and_can_be_replayed(
    alice: Talker, gateways: MakeGateway, talkers: MakeTalker, other_user: Person
) -> None:
    bob = await gateways("bob", says(500), owner=other_user)
    await alice.send(bob.agent)
    await until_all(bob.agent, "failed", 1)
    assert len(bob.received) == 4
    [delivery] = await deliveries(bob.agent)
    assert delivery["reason"] == "server_error"
    count = await bob.agent.client.get(f"{bob.agent.inbox}/count")
    assert count.json()["open"] == 0
    for person in (alice.owner, other_user):

        async def told(person: Person = person) -> bool:
            return len(await notices(person, "messages.deliveries_failed")) == 1

        await eventually(told)

    bob.behaviour = says(200)
    where = f"/api/v1/deliveries/{delivery['id']}/replay"
    assert (await alice.owner.client.post(where)).status_code == 404
    replayed = await other_user.client.post(where)
    assert replayed.status_code == 200, replayed.text
    assert (replayed.json()["state"], replayed.json()["reason"]) == ("queued", None)
    await until_all(bob.agent, "delivered", 1)
    again = await other_user.client.post(where)
    assert (again.status_code, again.json()["code"]) == (409, "not_failed")
    [delivery] = await deliveries(bob.agent)
    assert delivery["attempts"] == 5


async def test_a_refusal_pauses_the_gateway_until_it_is_changed(
    alice: Talker, gateways: MakeGateway
) -> None:
    bob = await gateways("bob", says(401))
    await bob.agent.owner.client.post(f"/api/v1/agents/{bob.agent.id}/gateway/resume")
    await alice.send(bob.agent)
    found = await until_paused(bob.agent, "unauthorized")
    assert "signing secret" in found["advice"]
    [delivery] = await deliveries(bob.agent)
    assert (delivery["state"], delivery["blocked_reason"]) == ("queued", "unauthorized")
    pulled = await bob.agent.read()
    assert len(pulled["items"]) == 1

    async def told() -> bool:
        return bool(await notices(bob.agent.owner, "messages.gateway_paused"))

    await eventually(told)
    other = await gateways("other")
    changed = await bob.agent.owner.client.patch(
        f"/api/v1/agents/{bob.agent.id}", json={"gateway_url": other.there.url}
    )
    assert changed.status_code == 200, changed.text
    await until_all(bob.agent, "delivered", 1)
    assert len(other.received) == 1
    await until_paused(bob.agent, None)


@pytest.mark.parametrize("status", [401, 503])
async def test_what_the_gateway_before_has_said_is_not_held_against_the_next(
    alice: Talker, gateways: MakeGateway, status: int
) -> None:
    opened = asyncio.Event()
    bob = await gateways("bob", when(opened, says(status, Retry_After="3600")))
    other = await gateways("other")
    await alice.send(bob.agent)
    await bob.has_received(1)

    changed = await bob.agent.owner.client.patch(
        f"/api/v1/agents/{bob.agent.id}", json={"gateway_url": other.there.url}
    )
    assert changed.status_code == 200, changed.text
    await alice.send(bob.agent)  # also goes there, so the change is known
    await other.has_received(1)
    opened.set()

    await until_all(bob.agent, "delivered", 2)
    assert len(other.received) == 2
    assert await notices(bob.agent.owner, "messages.gateway_paused") == []


async def test_a_probe_that_succeeds_ends_the_pause(alice: Talker, gateways: MakeGateway) -> None:
    bob = await gateways("bob", first(3, says(404), says(200)))
    for number in range(4):
        await alice.send(bob.agent, content=str(number))
    await until_all(bob.agent, "delivered", 4)
    await until_paused(bob.agent, None)
    # no attempt counted, so none of them would have failed
    assert {each["reason"] for each in await deliveries(bob.agent)} == {None}


async def test_an_owner_pauses_and_resumes(alice: Talker, gateways: MakeGateway) -> None:
    bob = await gateways("bob")
    where = f"/api/v1/agents/{bob.agent.id}/gateway"
    paused = await bob.agent.owner.client.post(f"{where}/pause")
    assert paused.json()["reason"] == "paused_by_owner"
    await alice.send(bob.agent)
    other = await gateways("other")
    await alice.send(other.agent)
    await until_all(other.agent, "delivered", 1)
    status = await status_of(bob.agent)
    assert (status["waiting"], status["next_attempt_at"]) == (1, None)
    assert bob.received == []
    resumed = await bob.agent.owner.client.post(f"{where}/resume")
    assert resumed.json()["paused"] is False
    await until_all(bob.agent, "delivered", 1)


async def test_only_the_owner_sees_how_pushing_goes(
    alice: Talker, gateways: MakeGateway, other_user: Person
) -> None:
    bob = await gateways("bob", says(403), owner=other_user)
    sent = (await alice.send(bob.agent)).json()
    await until_paused(bob.agent, "forbidden")
    where = f"/api/v1/messages/{sent['id']}/deliveries"
    [for_sender] = (await alice.owner.client.get(where)).json()["items"]
    assert (for_sender["attempts"], for_sender["blocked_reason"]) == (None, None)
    [for_owner] = (await other_user.client.get(where)).json()["items"]
    assert (for_owner["attempts"] >= 1, for_owner["blocked_reason"]) == (True, "forbidden")
    path = f"/api/v1/deliveries/{for_owner['id']}/attempts"
    assert (await alice.owner.client.get(path)).status_code == 404
    assert (await bob.agent.client.get(path)).status_code == 403
    for action in ("", "/pause", "/resume"):
        url = f"/api/v1/agents/{bob.agent.id}/gateway{action}"
        asked = alice.owner.client.post(url) if action else alice.owner.client.get(url)
        assert (await asked).status_code == 403
    agents = f"/api/v1/agents/{alice.id}/gateway/pause"
    refused = await alice.owner.client.post(agents)
    assert (refused.status_code, refused.json()["code"]) == (409, "no_gateway")


async def test_a_gateway_that_comes_late_gets_what_has_been_waiting(
    alice: Talker, bob: Talker, gateways: MakeGateway
) -> None:
    other = await gateways("other")
    for number in range(3):
        await alice.send(bob, content=str(number))
    changed = {"gateway_kind": "webhook", "gateway_url": other.there.url, "ordered": True}
    await bob.owner.client.patch(f"/api/v1/agents/{bob.id}", json=changed)
    await until_all(bob, "delivered", 3)
    assert other.contents == ["0", "1", "2"]
    await bob.owner.client.patch(f"/api/v1/agents/{bob.id}", json={"gateway_kind": "none"})
    await alice.send(bob, content="fetched")
    assert (await deliveries(bob))[0]["state"] == "queued"


class TestPatience:
    @pytest.fixture
    def delivery(self) -> DeliverySettings:
        return QUICK.model_copy(
            update={
                "retry_schedule": (30.0, 30.0),
                "pause_after_failures": 3,
                "pause_after_seconds": 0.0,
                "probe_schedule": (0.3,),
            }
        )

    async def test_retry_after_is_heeded_by_all_that_comes(
        self, alice: Talker, gateways: MakeGateway
    ) -> None:
        bob = await gateways("bob", says(429, Retry_After="600"))
        await alice.send(bob.agent)

        async def failed_once() -> bool:
            return bool((await status_of(bob.agent))["failures"])

        await eventually(failed_once)
        await alice.send(bob.agent, content="next")
        other = await gateways("other")
        await alice.send(other.agent)
        await until_all(other.agent, "delivered", 1)
        assert len(bob.received) == 1
        waiting = (await status_of(bob.agent))["next_attempt_at"]
        assert datetime.fromisoformat(waiting) > datetime.now(UTC) + timedelta(seconds=500)

    async def test_long_failure_pauses_and_a_probe_of_the_head_ends_it(
        self, alice: Talker, gateways: MakeGateway
    ) -> None:
        bob = await gateways("bob", first(5, says(503), says(200)), max_in_flight=1)
        for number in range(3):
            await alice.send(bob.agent, content=str(number))
        await until_paused(bob.agent, "try_later")
        # the first ones aren't due for half a minute: what was delivered was a probe
        await bob.has_received(6)

        async def head_delivered() -> bool:
            return bool((await deliveries(bob.agent))[-1]["state"] == "delivered")

        await eventually(head_delivered)
        await until_paused(bob.agent, None)
        assert bob.contents[3:6] == ["0", "0", "0"]

    async def test_a_deleted_agent_is_left_alone(
        self, alice: Talker, gateways: MakeGateway
    ) -> None:
        bob = await gateways("bob", says(500))
        await alice.send(bob.agent)
        await bob.has_received(1)
        await bob.agent.owner.client.delete(f"/api/v1/agents/{bob.agent.id}")
        await asyncio.gather(*(alice.send(bob.agent) for _ in range(2)))
        other = await gateways("other")
        await alice.send(other.agent)
        await until_all(other.agent, "delivered", 1)
        assert len(bob.received) == 1


class TestNoPatience:
    @pytest.fixture
    def delivery(self) -> DeliverySettings:
        return QUICK.model_copy(update={"retry_schedule": ()})

    async def test_all_that_failed_since_then_are_replayed(
        self, alice: Talker, gateways: MakeGateway
    ) -> None:
        bob = await gateways("bob", says(500))
        for _ in range(3):
            await alice.send(bob.agent)
        await until_all(bob.agent, "failed", 3, within=20)
        bob.behaviour = says(200)
        where = f"/api/v1/agents/{bob.agent.id}/deliveries/replay"
        later = {"since": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}
        none = await bob.agent.owner.client.post(where, json=later)
        assert none.json() == {"replayed": 0, "more": False}
        all_of_them = await bob.agent.owner.client.post(where, json=SINCE)
        assert all_of_them.json() == {"replayed": 3, "more": False}
        await until_all(bob.agent, "delivered", 3)
        refused = await alice.client.post(where, json=SINCE)
        assert refused.status_code == 403


async def test_what_the_owner_paused_stays_so_when_the_gateway_is_changed(
    alice: Talker, gateways: MakeGateway
) -> None:
    bob, other = await gateways("bob"), await gateways("other")
    where = f"/api/v1/agents/{bob.agent.id}"
    await bob.agent.owner.client.post(f"{where}/gateway/pause")
    await bob.agent.owner.client.patch(where, json={"gateway_url": other.there.url})
    await alice.send(bob.agent)
    third = await gateways("third")
    changed = {"gateway_url": third.there.url}
    await third.agent.owner.client.patch(f"/api/v1/agents/{third.agent.id}", json=changed)
    await alice.send(third.agent)
    await until_all(third.agent, "delivered", 1)
    assert (await status_of(bob.agent))["reason"] == "paused_by_owner"
    await bob.agent.owner.client.post(f"{where}/gateway/resume")
    await until_all(bob.agent, "delivered", 1)
    assert len(other.received) == 1
