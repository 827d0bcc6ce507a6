"""Messages given to the chat of a gateway, whose answers come back into the thread."""

import pytest

from tests.e2e.openclaw.gateway import PATIENCE, Gateway
from tests.e2e.openclaw.hub.conftest import MakeAgent, attempts, come_to
from tests.e2e.openclaw.posting import fresh
from tests.messages.conftest import Talker
from tests.messages.dispatch.conftest import deliveries, until_all

pytestmark = pytest.mark.openclaw


async def test_the_answer_comes_back_into_the_thread(
    gateway: Gateway, chatting: MakeAgent, alice: Talker
) -> None:
    bob, text = await chatting("bob"), fresh("how are you")
    gateway.model.answer = fresh("I am well")

    sent = (await alice.send(bob, content=text)).json()
    [entry] = (await come_to(alice))["items"]

    assert entry["message"]["content"] == gateway.model.answer
    assert entry["message"]["from_name"] == "bob"
    assert entry["message"]["reply_to"] == sent["id"]
    assert entry["message"]["thread_id"] == sent["thread_id"]
    await until_all(bob, "delivered", 1, within=PATIENCE)
    assert gateway.model.times(text) == 1


async def test_a_talk_of_two_turns_is_one_session(
    gateway: Gateway, chatting: MakeAgent, alice: Talker
) -> None:
    bob, first, second = await chatting("bob"), fresh("first"), fresh("second")

    sent = (await alice.send(bob, content=first)).json()
    cursor = (await come_to(alice))["next_cursor"]
    await alice.send(bob, content=second, reply_to=sent["id"])
    [entry] = (await come_to(alice, after=cursor))["items"]

    assert entry["message"]["thread_id"] == sent["thread_id"]
    assert first in (await gateway.model.asked(second)).history


async def test_who_has_nothing_to_say_is_asked_once_and_sends_nothing(
    gateway: Gateway, chatting: MakeAgent, alice: Talker
) -> None:
    bob, text = await chatting("bob"), fresh("hello")
    # as the text told the agent to
    gateway.model.answer = "NOTHING_TO_SAY"

    await alice.send(bob, content=text)
    await until_all(bob, "delivered", 1, within=PATIENCE)

    prompt = (await gateway.model.asked(text)).prompt
    assert "Reply NOTHING_TO_SAY alone to send nothing." in prompt
    assert (await alice.read())["items"] == []
    assert gateway.model.times(text) == 1


async def test_an_empty_answer_is_an_end_that_nobody_knows(
    gateway: Gateway, chatting: MakeAgent, alice: Talker
) -> None:
    """The gateway says of it what it says of any failure: an internal error."""
    bob, text = await chatting("bob"), fresh("hello")
    gateway.model.answer = ""

    await alice.send(bob, content=text)
    await until_all(bob, "failed", 1, within=PATIENCE)

    [delivery] = await deliveries(bob)
    assert delivery["reason"] == "outcome_unknown"
    assert [each["status"] for each in await attempts(bob)] == [500]
