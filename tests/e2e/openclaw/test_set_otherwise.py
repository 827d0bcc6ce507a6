"""Gateways whose owners have switched off, or not yet on, what the hub needs."""

import pytest

from tests.e2e.openclaw.gateway import Gateway
from tests.e2e.openclaw.posting import LEFT_OUT, Poster, fresh

pytestmark = pytest.mark.openclaw

KEYS_DISABLED = (
    "sessionKey is disabled for externally supplied hook payload values; "
    "set hooks.allowRequestSessionKey=true to enable"
)
PREFIXES_REQUIRED = (
    "hooks.allowedSessionKeyPrefixes is required when direct hook sessionMode is persistent"
)


async def test_without_hooks_and_chat_there_is_nothing_to_push_to(
    openclaw_here: None, post: Poster
) -> None:
    async with Gateway.running(hooks=False, chat=False) as gateway:
        pushed = await post.hook(gateway, "hello")
        asked = await post.chat(gateway, "hello")

        assert (pushed.status_code, pushed.text) == (404, "Not Found")
        assert (asked.status_code, asked.text) == (404, "Not Found")
        assert not gateway.model.questions


async def test_requests_may_not_name_sessions(openclaw_here: None, post: Poster) -> None:
    async with Gateway.running(session_keys=False) as gateway:
        refused = await post.hook(gateway, "hello")
        assert refused.status_code == 400
        assert refused.json() == {"ok": False, "error": KEYS_DISABLED}

        text = fresh("hello")
        alone = await post.hook(gateway, text, session=LEFT_OUT, sessionMode=LEFT_OUT)
        assert alone.status_code == 200
        await gateway.model.asked(text)


async def test_sessions_without_a_prefix(openclaw_here: None, post: Poster) -> None:
    async with Gateway.running(prefix=None) as gateway:
        refused = await post.hook(gateway, "hello")
        assert refused.status_code == 400
        assert refused.json() == {"ok": False, "error": PREFIXES_REQUIRED}
