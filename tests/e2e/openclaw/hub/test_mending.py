"""A gateway that takes nothing is paused, says why, and gets what waited once it is mended."""

from typing import Any

import pytest

from hubbub.settings import DeliverySettings
from tests.e2e.openclaw.gateway import PATIENCE, Gateway
from tests.e2e.openclaw.hub.conftest import HASTY, MakeAgent, come_to, switched_off
from tests.e2e.openclaw.posting import Poster, fresh
from tests.fixtures.waiting import eventually
from tests.messages.conftest import Talker
from tests.messages.dispatch.conftest import deliveries, until_all, until_paused

pytestmark = pytest.mark.openclaw


async def diagnosis(agent: Talker) -> str:
    answer = await agent.owner.client.post(f"/api/v1/agents/{agent.id}/gateway/test")
    found: str = answer.json()["diagnosis"]
    return found


async def mended(agent: Talker, **fields: Any) -> None:
    changed = await agent.owner.client.patch(f"/api/v1/agents/{agent.id}", json=fields)
    assert changed.status_code == 200, changed.text


async def waits(agent: Talker, reason: str, count: int) -> None:
    found = await deliveries(agent)
    assert [(each["state"], each["blocked_reason"]) for each in found] == [
        ("queued", reason)
    ] * count


async def test_a_wrong_token_of_the_hooks(
    gateway: Gateway, post: Poster, hooked: MakeAgent, alice: Talker
) -> None:
    bob, texts = await hooked("bob", gateway_token="wrong"), [fresh("one"), fresh("two")]
    for text in texts:
        await alice.send(bob, content=text)
    found = await until_paused(bob, "wrong_token", within=PATIENCE)
    assert "hooks.token for the kind openclaw" in found["advice"]
    await waits(bob, "wrong_token", 2)
    assert await diagnosis(bob) == "wrong_token"

    await mended(bob, gateway_token=gateway.token)

    await until_all(bob, "delivered", 2, within=PATIENCE)
    assert await diagnosis(bob) == "ok"
    await gateway.model.asked(texts[1])
    assert [gateway.model.times(text) for text in texts] == [1, 1]


async def test_the_operators_token_for_the_hooks(
    gateway: Gateway, hooked: MakeAgent, alice: Talker
) -> None:
    bob = await hooked("bob", gateway_token=gateway.operator_token)
    await alice.send(bob, content=fresh("hello"))
    await until_paused(bob, "wrong_token", within=PATIENCE)
    assert await diagnosis(bob) == "gateway_token_given"


async def test_a_wrong_token_of_the_chat(
    gateway: Gateway, chatting: MakeAgent, alice: Talker
) -> None:
    bob, text = await chatting("bob", gateway_token="wrong"), fresh("hello")
    await alice.send(bob, content=text)
    found = await until_paused(bob, "wrong_token", within=PATIENCE)
    assert "gateway.auth.token for openclaw-chat" in found["advice"]
    await waits(bob, "wrong_token", 1)

    await mended(bob, gateway_token=gateway.operator_token)

    [entry] = (await come_to(alice))["items"]
    assert entry["message"]["content"] == gateway.model.answer
    await until_all(bob, "delivered", 1, within=PATIENCE)
    assert gateway.model.times(text) == 1


async def test_a_session_key_that_may_not_be_used(
    gateway: Gateway, hooked: MakeAgent, alice: Talker
) -> None:
    bob, text = await hooked("bob", session_key=fresh("other")), fresh("hello")
    await alice.send(bob, content=text)
    found = await until_paused(bob, "prefix_missing", within=PATIENCE)
    assert "hooks.allowedSessionKeyPrefixes" in found["advice"]
    await waits(bob, "prefix_missing", 1)
    assert await diagnosis(bob) == "prefix_missing"

    await mended(bob, session_key=fresh("hook:hub"))

    await until_all(bob, "delivered", 1, within=PATIENCE)
    await gateway.model.asked(text)
    assert gateway.model.times(text) == 1


class TestByTheGatewaysOwner:
    """Nobody tells the hub: it looks from time to time."""

    @pytest.fixture
    def delivery(self) -> DeliverySettings:
        return HASTY.model_copy(update={"probe_schedule": (0.5,)})

    async def test_hooks_and_chat_that_are_switched_off(
        self,
        gateway: Gateway,
        post: Poster,
        hooked: MakeAgent,
        chatting: MakeAgent,
        alice: Talker,
    ) -> None:
        bob, carol, text = await hooked("bob"), await chatting("carol"), fresh("hello")
        async with switched_off(gateway, post):
            await alice.send(bob, carol, content=text)
            hooks = await until_paused(bob, "hooks_disabled", within=PATIENCE)
            chat = await until_paused(carol, "chat_disabled", within=PATIENCE)
            assert "hooks.enabled" in hooks["advice"]
            assert "chatCompletions.enabled" in chat["advice"]
            assert not gateway.model.times(text)

        for agent in (bob, carol):
            await until_all(agent, "delivered", 1, within=PATIENCE)
            await until_paused(agent, None, within=PATIENCE)
        await gateway.model.asked(text, times=2)
        assert gateway.model.times(text) == 2
        assert len((await alice.read())["items"]) == 1

    async def test_session_keys_that_the_gateway_doesnt_take(
        self, gateway: Gateway, post: Poster, hooked: MakeAgent, alice: Talker
    ) -> None:
        async def says(sentence: str) -> bool:
            return sentence in (await post.hook(gateway, "hello")).text

        bob, text = await hooked("bob"), fresh("hello")
        with gateway.set_otherwise(session_keys=False):
            await eventually(lambda: says("sessionKey is disabled"), within=PATIENCE)
            await alice.send(bob, content=text)
            found = await until_paused(bob, "session_keys_not_allowed", within=PATIENCE)
            assert "hooks.allowRequestSessionKey" in found["advice"]

        await until_all(bob, "delivered", 1, within=PATIENCE)
        await gateway.model.asked(text)
        assert gateway.model.times(text) == 1
