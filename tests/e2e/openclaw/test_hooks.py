"""Pushing by `POST /hooks/agent`: what is admitted, what the agent sees, what a repeat does."""

import asyncio
import time

import pytest

from tests.e2e.openclaw.gateway import Gateway
from tests.e2e.openclaw.posting import LEFT_OUT, Poster, fresh, run_id

pytestmark = pytest.mark.openclaw


async def test_the_text_reaches_the_model_in_its_session(gateway: Gateway, post: Poster) -> None:
    session, text = fresh("hook:hub:alice"), fresh("hello")

    run_id(await post.hook(gateway, text, session=session))

    prompt = (await gateway.model.asked(text)).prompt
    assert f"session=agent:main:{session}" in prompt


async def test_the_text_is_shown_as_a_strangers(gateway: Gateway, post: Poster) -> None:
    text = fresh("hello")
    await post.hook(gateway, text, session=fresh("hook:hub"))

    prompt = (await gateway.model.asked(text)).prompt
    before, _, after = prompt.partition(text)
    assert "SECURITY NOTICE" in before
    assert "Source: Webhook\nTask: hubbub\n---\n" in before
    assert "END_EXTERNAL_UNTRUSTED_CONTENT" in after
    assert "reply exactly NO_REPLY" in after


async def test_a_repeat_under_the_same_key_runs_nothing(gateway: Gateway, post: Poster) -> None:
    session, text, key = fresh("hook:hub"), fresh("hello"), fresh("key")

    first = await post.hook(gateway, text, session=session, key=key)
    await gateway.model.asked(text)
    again = await post.hook(gateway, text, session=session, key=key)
    await post.settled(gateway, session)

    assert run_id(first) == run_id(again)
    assert gateway.model.times(text) == 1


async def test_the_same_at_the_same_time_runs_once(gateway: Gateway, post: Poster) -> None:
    session, text, key = fresh("hook:hub"), fresh("hello"), fresh("key")

    answers = await asyncio.gather(
        *(post.hook(gateway, text, session=session, key=key) for _ in range(5))
    )
    await post.settled(gateway, session)

    assert len({run_id(answer) for answer in answers}) == 1
    assert gateway.model.times(text) == 1


async def test_the_same_key_with_another_text_is_another_run(
    gateway: Gateway, post: Poster
) -> None:
    session, key = fresh("hook:hub"), fresh("key")
    one, other = fresh("one"), fresh("other")

    first = await post.hook(gateway, one, session=session, key=key)
    second = await post.hook(gateway, other, session=session, key=key)

    assert run_id(first) != run_id(second)
    await gateway.model.asked(other)


async def test_a_persistent_session_remembers(gateway: Gateway, post: Poster) -> None:
    session, first, second = fresh("hook:hub"), fresh("first"), fresh("second")
    gateway.model.answer = fresh("answer")

    await post.hook(gateway, first, session=session)
    await gateway.model.asked(first)
    await post.hook(gateway, second, session=session)

    history = (await gateway.model.asked(second)).history
    assert first in history
    assert gateway.model.answer in history


async def test_any_other_session_does_not(gateway: Gateway, post: Poster) -> None:
    session, first, second = fresh("hook:hub"), fresh("first"), fresh("second")

    await post.hook(gateway, first, session=session, sessionMode=LEFT_OUT)
    await gateway.model.asked(first)
    await post.hook(gateway, second, session=session, sessionMode=LEFT_OUT)

    assert first not in (await gateway.model.asked(second)).history


async def test_a_model_that_fails_is_not_told_of(gateway: Gateway, post: Poster) -> None:
    gateway.model.status = 400
    text = fresh("hello")

    run_id(await post.hook(gateway, text, session=fresh("hook:hub")))

    await gateway.model.asked(text)


class TestBusySession:
    async def test_it_waits_its_turn(self, gateway: Gateway, post: Poster) -> None:
        session, first, second = fresh("hook:hub"), fresh("first"), fresh("second")
        async with gateway.model.hanging(), asyncio.TaskGroup() as tasks:
            await post.hook(gateway, first, session=session)
            await gateway.model.asked(first)
            waiting = tasks.create_task(post.hook(gateway, second, session=session))
            run_id(await post.hook(gateway, fresh("else"), session=fresh("hook:hub")))
            assert not waiting.done(), "another session isn't held up"
            gateway.model.go_on()

        run_id(waiting.result())
        await gateway.model.asked(second)

    async def test_after_a_while_it_is_refused_and_a_repeat_runs_once(
        self, gateway: Gateway, post: Poster
    ) -> None:
        session, first, second = fresh("hook:hub"), fresh("first"), fresh("second")
        key = fresh("key")
        async with gateway.model.hanging():
            await post.hook(gateway, first, session=session)
            await gateway.model.asked(first)
            began = time.monotonic()
            refused = await post.hook(gateway, second, session=session, key=key)
            took = time.monotonic() - began

        assert refused.status_code == 503
        assert refused.json() == {
            "ok": False,
            "error": "hook agent run did not start before admission timeout",
            "runId": refused.json()["runId"],
        }
        assert "Retry-After" not in refused.headers
        assert 14 < took < 30, "the hub has to wait longer than this"

        run_id(await post.hook(gateway, second, session=session, key=key))
        await post.settled(gateway, session)
        assert gateway.model.times(second) == 1

    async def test_who_gave_up_waiting_repeats_it_and_it_runs_once(
        self, gateway: Gateway, post: Poster
    ) -> None:
        session, first, second = fresh("hook:hub"), fresh("first"), fresh("second")
        key = fresh("key")
        async with gateway.model.hanging():
            await post.hook(gateway, first, session=session)
            await gateway.model.asked(first)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await post.hook(gateway, second, session=session, key=key)

        run_id(await post.hook(gateway, second, session=session, key=key))
        await post.settled(gateway, session)
        assert gateway.model.times(second) == 1
