"""A gateway that starts, crashes and comes back, as the hub sees it from outside."""

import asyncio
import signal

import httpx2
import pytest

from tests.e2e.openclaw.gateway import PATIENCE, Gateway
from tests.e2e.openclaw.posting import Poster, fresh, run_id

pytestmark = pytest.mark.openclaw

SESSION = "hook:hub:alice"


async def until_admitted(
    gateway: Gateway, post: Poster, text: str, key: str
) -> list[httpx2.Response | str]:
    """Repeats one push as a hub would, only faster; returns what came before the last answer."""
    before: list[httpx2.Response | str] = []
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                answer = await post.hook(gateway, text, session=SESSION, key=key)
            except httpx2.ConnectError:
                before.append("refused")
            else:
                if answer.status_code == 200:
                    return before
                before.append(answer)
            await asyncio.sleep(0.02)


async def test_until_it_has_started_it_runs_nothing(openclaw_here: None, post: Poster) -> None:
    async with Gateway.running(started=False) as gateway:
        text = fresh("hello")

        await gateway.start()
        early = await until_admitted(gateway, post, text, fresh("key"))

        assert early[0] == "refused"
        answers = [answer for answer in early if isinstance(answer, httpx2.Response)]
        assert {(answer.status_code, answer.text) for answer in answers} <= {
            (503, "Plugin runtime is starting")
        }
        await post.settled(gateway, SESSION)
        assert gateway.model.times(text) == 1


async def test_a_crash_loses_the_keys_but_no_message(openclaw_here: None, post: Poster) -> None:
    async with Gateway.running() as gateway:
        done, key = fresh("done"), fresh("key")
        run_id(await post.hook(gateway, done, session=SESSION, key=key))
        await post.settled(gateway, SESSION)
        assert gateway.model.times(done) == 1

        begun = fresh("begun")
        async with gateway.model.hanging():
            run_id(await post.hook(gateway, begun, session="hook:hub:bob"))
            await gateway.model.asked(begun)
            await gateway.stop(signal.SIGKILL)
            with pytest.raises(httpx2.ConnectError):
                await post.hook(gateway, done, session=SESSION, key=key)

        await gateway.start()
        await gateway.ready()
        resumed = await gateway.model.asked(
            "Your previous turn was interrupted by a gateway restart"
        )
        assert begun in resumed.history

        await until_admitted(gateway, post, done, key)
        await gateway.model.asked(done, times=2)
