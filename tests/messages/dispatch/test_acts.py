"""What the hub does with gateways by itself is written down like the acts of people."""

from typing import Any

from tests.fixtures.elsewhere import says
from tests.fixtures.people import Person
from tests.messages.conftest import Talker
from tests.messages.dispatch.conftest import (
    MakeGateway,
    deliveries,
    first,
    until_all,
    until_paused,
)


async def acts(admin: Person, agent: Talker, action: str) -> list[dict[str, Any]]:
    params = {"object": str(agent.id), "action": action}
    answer = await admin.client.get("/api/v1/activity", params=params)
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_a_pause_and_its_end(alice: Talker, gateways: MakeGateway, admin: Person) -> None:
    bob = await gateways("bob", first(2, says(404), says(200)))
    await alice.send(bob.agent)
    await until_all(bob.agent, "delivered", 1)
    await until_paused(bob.agent, None)

    resumed, paused = await acts(admin, bob.agent, "gateway")

    assert [paused["action"], resumed["action"]] == ["gateway.paused", "gateway.resumed"]
    assert paused["details"] == {"reason": "not_found"}
    assert paused["actor_id"] is None
    assert resumed["details"] == {}


async def test_what_an_owner_does(alice: Talker, gateways: MakeGateway, admin: Person) -> None:
    bob = await gateways("bob", says(500))
    client, where = bob.agent.owner.client, f"/api/v1/agents/{bob.agent.id}/gateway"
    await client.post(f"{where}/test")
    await alice.send(bob.agent)
    await until_all(bob.agent, "failed", 1)
    [failed] = await deliveries(bob.agent)
    bob.behaviour = says(200)
    assert (await client.post(f"/api/v1/deliveries/{failed['id']}/replay")).status_code == 200
    await until_all(bob.agent, "delivered", 1)
    await client.post(f"{where}/pause")
    await client.post(f"{where}/resume")

    found = await acts(admin, bob.agent, "gateway")
    answer = await admin.client.get("/api/v1/activity", params={"action": "delivery.replayed"})

    assert [each["action"].partition(".")[2] for each in found] == ["resumed", "paused", "tested"]
    assert {each["actor_id"] for each in found} == {str(bob.agent.owner.id)}
    [replayed] = answer.json()["items"]
    assert replayed["details"] == {"agent": str(bob.agent.id)}
