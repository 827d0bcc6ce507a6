"""A sender with a socket hears what becomes of what they sent, whoever or whatever changed it."""

import asyncio
from typing import Any

import pytest

from hubbub.settings import DeliverySettings, Settings
from tests.fixtures.elsewhere import says
from tests.fixtures.waiting import eventually
from tests.messages.conftest import Talker
from tests.messages.dispatch.conftest import QUICK, MakeGateway, deliveries, gateways, when
from tests.realtime.conftest import Dial, Line, inbox_of, key_of

__all__ = ["gateways"]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    once: DeliverySettings = QUICK.model_copy(update={"retry_schedule": ()})
    return settings.model_copy(update={"delivery": once})


async def state(line: Line) -> tuple[str, str]:
    delivery: dict[str, Any] = (await line.next("state"))["delivery"]
    return delivery["agent_id"], delivery["state"]


async def test_of_what_they_took_back(dial: Dial, alice: Talker, bob: Talker) -> None:
    line = await dial(inbox_of(alice), key_of(alice))
    sent = (await alice.send(bob)).json()

    await alice.client.delete(f"/api/v1/messages/{sent['id']}")

    assert await state(line) == (str(bob.id), "withdrawn")


async def test_a_push_that_comes_too_late_changes_nothing(
    dial: Dial, alice: Talker, gateways: MakeGateway
) -> None:
    opened = asyncio.Event()
    bob = await gateways("bob", when(opened, says(500)))
    line = await dial(inbox_of(alice), key_of(alice))
    sent = (await alice.send(bob.agent)).json()
    await bob.has_received(1)

    await bob.agent.client.post(f"{bob.agent.inbox}/ack", json={"ids": [sent["id"]]})
    acked = await state(line)
    opened.set()
    carol = await gateways("carol")

    async def recorded() -> bool:
        return bool((await deliveries(bob.agent))[0]["attempts"])

    await eventually(recorded)
    await alice.send(carol.agent)

    assert [acked, await state(line)] == [
        (str(bob.agent.id), "acked"),
        (str(carol.agent.id), "delivered"),
    ]


async def test_of_what_failed_and_was_replayed(
    dial: Dial, alice: Talker, gateways: MakeGateway
) -> None:
    bob = await gateways("bob", says(500))
    line = await dial(inbox_of(alice), key_of(alice))
    await alice.send(bob.agent)
    failed = await state(line)
    [delivery] = await deliveries(bob.agent)
    bob.behaviour = says(200)

    await bob.agent.owner.client.post(f"/api/v1/deliveries/{delivery['id']}/replay")
    after = [await state(line), await state(line)]

    assert [failed, *after] == [
        (str(bob.agent.id), each) for each in ("failed", "queued", "delivered")
    ]
