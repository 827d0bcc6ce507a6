"""Messages pushed to the hooks of a gateway: each is shown to the model once."""

import pytest

from tests.e2e.openclaw.gateway import PATIENCE, Gateway
from tests.e2e.openclaw.hub.conftest import MakeAgent, attempts, until_tried
from tests.e2e.openclaw.posting import Poster, fresh
from tests.messages.conftest import Talker
from tests.messages.dispatch.conftest import deliveries, until_all

pytestmark = pytest.mark.openclaw


async def session_of(agent: Talker) -> str:
    answer = await agent.owner.client.get(f"/api/v1/agents/{agent.id}")
    key: str = answer.json()["session_key"]
    return key


async def test_a_message_reaches_the_model_once_however_often_it_is_sent(
    gateway: Gateway, post: Poster, hooked: MakeAgent, alice: Talker
) -> None:
    bob, text, key = await hooked("bob"), fresh("hello"), fresh("key")

    sent = await alice.send(bob, content=text, key=key)
    prompt = (await gateway.model.asked(text)).prompt
    await until_all(bob, "delivered", 1, within=PATIENCE)
    again = await alice.send(bob, content=text, key=key)

    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json()["id"] == sent.json()["id"]
    assert "From: agent:alice" in prompt
    assert f"Message: {sent.json()['id']}" in prompt
    assert f"| {text}\n" in prompt
    assert f"session=agent:main:{await session_of(bob)}" in prompt
    await post.settled(gateway, await session_of(bob))
    assert gateway.model.times(text) == 1
    assert [each["outcome"] for each in await attempts(bob)] == ["delivered"]


async def test_messages_come_in_their_order(
    gateway: Gateway, hooked: MakeAgent, alice: Talker
) -> None:
    bob, texts = await hooked("bob"), [fresh(f"text-{number}") for number in range(4)]

    for text in texts:
        await alice.send(bob, content=text)
    history = (await gateway.model.asked(texts[-1])).history

    assert sorted(texts, key=history.index) == texts
    assert [gateway.model.times(text) for text in texts] == [1] * 4


async def test_a_busy_session_is_tried_again_and_gets_it_once(
    gateway: Gateway, post: Poster, hooked: MakeAgent, alice: Talker
) -> None:
    bob, first, second = await hooked("bob"), fresh("first"), fresh("second")
    async with gateway.model.hanging():
        await alice.send(bob, content=first)
        await gateway.model.asked(first)
        await alice.send(bob, content=second)
        await until_tried(bob, "busy")
        assert not gateway.model.times(second)

    await until_all(bob, "delivered", 2, within=PATIENCE)
    await post.settled(gateway, await session_of(bob))
    assert gateway.model.times(second) == 1
    assert (await deliveries(bob))[0]["attempts"] >= 2
