"""A gateway that starts, crashes and comes back, as the hub sees it from outside."""

import asyncio
import signal

import httpx2
import pytest

from tests.e2e.openclaw.gateway import PATIENCE, Gateway
from tests.e2e.openclaw.posting import Poster, fresh

pytestmark = pytest.mark.openclaw


async def until_admitted(
    gateway: Gateway, post: Poster, text: str, key: str
) -> list[httpx2.Response | str]:
    """Repeats one push as a hub would, only faster; returns what came before the last answer."""
    before: list[httpx2.Response | str] = []
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                answer = await post.hook(gateway, text, key=key)
            except httpx2.ConnectError:
                before.append("refused")
            else:
                if answer.status_code == 200:
                    return before
                before.append(answer)
            await asyncio.sleep(0.02)


async def test_pushes_while_it_starts_crashes_and_starts_again(
    openclaw_here: None, post: Poster
) -> None:
    async with Gateway.running(started=False) as gateway:
        text, key = fresh("hello"), fresh("key")

        await gateway.start()
        early = await until_admitted(gateway, post, text, key)

        assert early[0] == "refused"
        answers = [answer for answer in early if isinstance(answer, httpx2.Response)]
        assert {(answer.status_code, answer.text) for answer in answers} <= {
            (503, "Plugin runtime is starting")
        }
        await gateway.model.asked(text)
        assert gateway.model.times(text) == 1

        await gateway.stop(signal.SIGKILL)
        with pytest.raises(httpx2.ConnectError):
            await post.hook(gateway, text, key=key)
        assert gateway.model.times(text) == 1

        await gateway.start()
        await until_admitted(gateway, post, text, key)
        await gateway.model.asked(text, times=2)
