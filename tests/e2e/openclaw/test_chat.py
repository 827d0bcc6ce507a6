"""Asking by `POST /v1/chat/completions`: the reply comes back, and nothing is remembered."""

import asyncio

import pytest

from tests.e2e.openclaw.gateway import Gateway
from tests.e2e.openclaw.posting import NONE, Poster, fresh, reply

pytestmark = pytest.mark.openclaw

INTERNAL = {"error": {"message": "internal error", "type": "api_error"}}


async def test_it_brings_the_reply(gateway: Gateway, post: Poster) -> None:
    session, text = fresh("hub"), fresh("hello")
    gateway.model.answer = fresh("answer")

    answer = await post.chat(gateway, text, session=session)

    assert answer.status_code == 200
    assert reply(answer) == gateway.model.answer
    prompt = (await gateway.model.asked(text)).prompt
    assert f"UTC] {text}\n" in prompt
    assert "UNTRUSTED" not in prompt
    assert f"session=agent:main:{session}" in prompt


async def test_a_whole_session_key_is_taken_as_it_is(gateway: Gateway, post: Poster) -> None:
    session, text = fresh("agent:main:hub"), fresh("hello")
    await post.chat(gateway, text, session=session)
    assert f"session={session} " in (await gateway.model.asked(text)).prompt


async def test_a_session_remembers(gateway: Gateway, post: Poster) -> None:
    session, first, second = fresh("hub"), fresh("first"), fresh("second")
    await post.chat(gateway, first, session=session)
    await post.chat(gateway, second, session=session)
    assert first in (await gateway.model.asked(second)).history


async def test_a_repeat_under_the_same_key_runs_again(gateway: Gateway, post: Poster) -> None:
    session, text, key = fresh("hub"), fresh("hello"), fresh("key")
    for _ in range(2):
        assert (await post.chat(gateway, text, session=session, key=key)).status_code == 200
    assert gateway.model.times(text) == 2


async def test_a_busy_session_waits_its_turn(gateway: Gateway, post: Poster) -> None:
    session, first, second = fresh("hub"), fresh("first"), fresh("second")
    async with gateway.model.hanging(), asyncio.TaskGroup() as tasks:
        one = tasks.create_task(post.chat(gateway, first, session=session))
        await gateway.model.asked(first)
        other = tasks.create_task(post.chat(gateway, second, session=session))
        await post.settled(gateway, fresh("hook:hub"))  # meanwhile
        assert not other.done()
        assert not gateway.model.times(second)
        gateway.model.go_on()

    assert [one.result().status_code, other.result().status_code] == [200, 200]
    assert first in (await gateway.model.asked(second)).history
    assert gateway.model.times(second) == 1


@pytest.mark.parametrize("nothing", ["NO_REPLY", ""])
async def test_an_agent_with_nothing_to_say_is_an_error(
    gateway: Gateway, post: Poster, nothing: str
) -> None:
    """The agent has seen the text nonetheless, and twice."""
    text = fresh("hello")
    gateway.model.answer = nothing

    answer = await post.chat(gateway, text, session=fresh("hub"))

    assert answer.status_code == 500
    assert answer.json() == INTERNAL
    assert gateway.model.times(text) == 2


async def test_what_the_model_refuses_is_passed_on(gateway: Gateway, post: Poster) -> None:
    gateway.model.status = 400
    answer = await post.chat(gateway, "hello", session=fresh("hub"))
    assert answer.status_code == 400
    assert answer.json() == {
        "error": {"message": "400 told to fail", "type": "invalid_request_error"}
    }


async def test_a_model_that_refuses_the_gateway_looks_like_a_wrong_token(
    openclaw_here: None, post: Poster
) -> None:
    """But for the error's type. The gateway leaves such a model alone for a minute."""
    async with Gateway.running(hooks=False) as gateway:
        gateway.model.status = 401
        answer = await post.chat(gateway, "hello")
        assert answer.status_code == 401
        assert answer.json() == {
            "error": {"message": "401 told to fail", "type": "authentication_error"}
        }

        gateway.model.status = 200
        answer = await post.chat(gateway, "hello")
        assert (answer.status_code, answer.json()) == (500, INTERNAL)


class TestRefusals:
    @pytest.mark.parametrize("token", ["wrong", NONE, "hooks-secret"])
    async def test_a_wrong_token_none_or_that_of_the_hooks(
        self, gateway: Gateway, post: Poster, token: str
    ) -> None:
        answer = await post.chat(gateway, "hello", token=token)
        assert answer.status_code == 401
        assert answer.json() == {"error": {"message": "Unauthorized", "type": "unauthorized"}}

    async def test_an_unknown_agent(self, gateway: Gateway, post: Poster) -> None:
        answer = await post.chat(gateway, "hello", model="openclaw/nobody")
        assert answer.status_code == 400
        assert answer.json()["error"]["message"] == "Unknown agent 'nobody'."

    async def test_an_unknown_agents_session(self, gateway: Gateway, post: Poster) -> None:
        answer = await post.chat(gateway, "hello", session="agent:nobody:hub")
        assert answer.status_code == 500
        assert answer.json() == INTERNAL

    @pytest.mark.parametrize("session", ["subagent:x", "cron:x", "acp:x"])
    async def test_a_session_of_openclaws_own(
        self, gateway: Gateway, post: Poster, session: str
    ) -> None:
        answer = await post.chat(gateway, "hello", session=session)
        assert answer.status_code == 400
        assert answer.json()["error"]["type"] == "invalid_request_error"

    async def test_no_message(self, gateway: Gateway, post: Poster) -> None:
        answer = await post.chat(gateway, "hello", messages=[])
        assert answer.status_code == 400
