"""Gateways whose owners have switched off, or not yet on, what the hub needs."""

from collections.abc import AsyncIterator

import pytest

from tests.e2e.openclaw.gateway import Gateway
from tests.e2e.openclaw.posting import LEFT_OUT, Poster, fresh
from tests.fixtures.waiting import eventually

pytestmark = pytest.mark.openclaw

SOON = 60.0
KEYS_DISABLED = (
    "sessionKey is disabled for externally supplied hook payload values; "
    "set hooks.allowRequestSessionKey=true to enable"
)
PREFIXES_REQUIRED = (
    "hooks.allowedSessionKeyPrefixes is required when direct hook sessionMode is persistent"
)


@pytest.fixture(autouse=True)
async def set_back(gateway: Gateway, post: Poster) -> AsyncIterator[None]:
    """The next test finds it as it was."""
    yield

    async def so() -> bool:
        # what is looked at last
        answer = await post.hook(gateway, "hello", session="other")
        return "sessionKey must start with one of: hook:" in answer.text

    await eventually(so, within=SOON)


async def refuses(gateway: Gateway, post: Poster, status: int, said: str) -> None:
    async def so() -> bool:
        answer = await post.hook(gateway, fresh("hello"), session=fresh("hook:hub"))
        return answer.status_code == status and said in answer.text

    await eventually(so, within=SOON)


async def test_without_hooks_and_chat_there_is_nothing_to_push_to(
    gateway: Gateway, post: Poster
) -> None:
    with gateway.set_otherwise(hooks=False, chat=False):
        await refuses(gateway, post, 404, "Not Found")
        asked = await post.chat(gateway, "hello")
        assert (asked.status_code, asked.text) == (404, "Not Found")


async def test_requests_may_not_name_sessions(gateway: Gateway, post: Poster) -> None:
    with gateway.set_otherwise(session_keys=False):
        await refuses(gateway, post, 400, KEYS_DISABLED)

        text = fresh("hello")
        alone = await post.hook(gateway, text, session=LEFT_OUT, sessionMode=LEFT_OUT)
        assert alone.status_code == 200
        await gateway.model.asked(text)


async def test_sessions_without_a_prefix(gateway: Gateway, post: Poster) -> None:
    with gateway.set_otherwise(prefix=None):
        await refuses(gateway, post, 400, PREFIXES_REQUIRED)
