"""A probe tells what is wrong, and gives the gateway nothing to do."""

import asyncio
from dataclasses import dataclass, field, replace

import orjson
import pytest

from hubbub.agents.types import GatewayKind
from hubbub.messages.delivery.probe import Diagnosis, probe
from hubbub.messages.delivery.types import Target
from hubbub.messages.types import Finding
from tests.fixtures.elsewhere import Behaviour, Received, elsewhere, says
from tests.messages.delivery.conftest import AT, CHAT, OPENCLAW, QUICK, WEBHOOK, Pusher

HOOKS_TOKEN, GATEWAY_TOKEN = "hooks-token", "gateway-token"
HOOKS = replace(OPENCLAW, token=HOOKS_TOKEN)
CHATTING = replace(CHAT, token=GATEWAY_TOKEN)


@dataclass
class OpenClaw:
    """Checks what the real one checks, in its order and its words."""

    hooks: bool = True
    chat: bool = True
    takes_keys: bool = True
    prefixes: tuple[str, ...] = ("hook:", "agent:")
    agents: tuple[str, ...] = ("main",)
    is_starting: bool = False
    turns: list[Received] = field(default_factory=list)

    async def __call__(self, got: Received, writer: asyncio.StreamWriter) -> None:
        if self.is_starting:
            await says(503, "Plugin runtime is starting")(got, writer)
            return
        ways = {"/hooks/agent": self._hooks, "/v1/chat/completions": self._chat}
        status, body = ways.get(got.path, self._tools)(got)
        if status == 200:
            self.turns.append(got)
        await says(status, body)(got, writer)

    def _hooks(self, got: Received) -> tuple[int, str]:
        body, key = got.json(), str(got.json().get("sessionKey", "")).lower()
        checks = (
            (not self.hooks, 404, "Not Found"),
            (not _has(got, HOOKS_TOKEN), 401, "Unauthorized"),
            (not body.get("message"), 400, "message required"),
            (body.get("agentId", "main") not in self.agents, 400, 'unknown agentId "x"'),
            (not self.takes_keys, 400, "sessionKey is disabled for externally supplied values"),
            (
                bool(self.prefixes) and not key.startswith(self.prefixes),
                400,
                f"sessionKey must start with one of: {', '.join(self.prefixes)}",
            ),
            (not self.prefixes, 400, "hooks.allowedSessionKeyPrefixes is required when …"),
        )
        for refuses, status, error in checks:
            if refuses:
                whole = orjson.dumps({"ok": False, "error": error}).decode()
                return status, whole if status == 400 else error
        return 200, '{"ok":true,"runId":"1"}'

    def _chat(self, got: Received) -> tuple[int, str]:
        if not self.chat:
            return 404, "Not Found"
        if not _has(got, GATEWAY_TOKEN):
            return 401, '{"error":{"message":"Unauthorized"}}'
        if str(got.json()["model"]).partition("/")[2] not in self.agents:
            return 400, "Unknown agent 'x'."
        if not got.json()["messages"]:
            return 400, '{"error":{"message":"Missing user message in `messages`."}}'
        return 200, "{}"

    def _tools(self, got: Received) -> tuple[int, str]:
        if got.path != "/tools/invoke":
            return 404, "Not Found"
        return (400, "tool required") if _has(got, GATEWAY_TOKEN) else (401, "Unauthorized")


def _has(got: Received, token: str) -> bool:
    return got.headers["authorization"] == f"Bearer {token}"


async def diagnosed(push: Pusher, target: Target, behaviour: Behaviour) -> Diagnosis:
    async with elsewhere(behaviour) as there:
        return await probe(push.http, replace(target, url=there.url), QUICK, AT)


@pytest.mark.parametrize(
    ("target", "gateway", "finding"),
    [
        (HOOKS, OpenClaw(), "ok"),
        (HOOKS, OpenClaw(chat=False), "ok"),
        (replace(HOOKS, session_key="agent:main:x"), OpenClaw(), "ok"),
        (replace(HOOKS, session_key="HOOK:Hub"), OpenClaw(), "ok"),
        (HOOKS, OpenClaw(hooks=False), "hooks_disabled"),
        (replace(HOOKS, token="x"), OpenClaw(), "wrong_token"),
        (replace(HOOKS, token=GATEWAY_TOKEN), OpenClaw(chat=False), "gateway_token_given"),
        (HOOKS, OpenClaw(takes_keys=False), "session_keys_not_allowed"),
        (HOOKS, OpenClaw(prefixes=()), "no_prefixes"),
        (HOOKS, OpenClaw(prefixes=("agent:",)), "prefix_missing"),
        (replace(HOOKS, session_key="other:x"), OpenClaw(), "prefix_missing"),
        (replace(HOOKS, session_key="agent:ops:x"), OpenClaw(), "unknown_agent"),
        (HOOKS, OpenClaw(is_starting=True), "starting"),
        (CHATTING, OpenClaw(), "ok"),
        (CHATTING, OpenClaw(hooks=False), "ok"),
        (CHATTING, OpenClaw(chat=False), "chat_disabled"),
        (replace(CHATTING, token="x"), OpenClaw(), "wrong_token"),
        (replace(CHATTING, token=HOOKS_TOKEN), OpenClaw(), "hooks_token_given"),
        (replace(CHATTING, session_key="agent:ops:x"), OpenClaw(), "unknown_agent"),
        (CHATTING, OpenClaw(is_starting=True), "starting"),
    ],
)
async def test_what_is_wrong_with_a_gateway_of_openclaw(
    push: Pusher, target: Target, gateway: OpenClaw, finding: str
) -> None:
    found = await diagnosed(push, target, gateway)

    assert found.finding == finding
    assert (found.advice is None) is (finding == "ok")
    assert gateway.turns == []


@pytest.mark.parametrize("target", [HOOKS, CHATTING], ids=lambda each: each.kind.value)
@pytest.mark.parametrize(
    ("behaviour", "finding"),
    [
        (says(200, "<html>welcome</html>"), Finding.NOT_OPENCLAW),
        (says(302, Location="https://example.com/"), Finding.REDIRECTED),
        (says(405), Finding.NOT_OPENCLAW),
        (says(429, Retry_After="60"), Finding.THROTTLED),
        (says(500), Finding.SERVER_ERROR),
        (says(400, "[]"), Finding.BAD_REQUEST),
    ],
)
async def test_what_is_no_gateway_of_openclaw(
    push: Pusher, target: Target, behaviour: Behaviour, finding: Finding
) -> None:
    found = await diagnosed(push, target, behaviour)

    assert found.finding is finding
    assert found.advice


@pytest.mark.parametrize(
    "body",
    [
        '"sessionKey must start with one of: hook:"',
        '{"error":["sessionKey must start with one of: hook:"]}',
        '{"ok":false} sessionKey must start with one of: hook:',
        '{"error":"sessionKey must start with one of: "}',
    ],
)
async def test_a_refusal_in_another_form_is_no_permission(push: Pusher, body: str) -> None:
    found = await diagnosed(push, HOOKS, says(400, body))

    assert found.finding is Finding.PREFIX_MISSING


@pytest.mark.parametrize(
    ("status", "finding"),
    [(200, "ok"), (204, "ok"), (401, "unauthorized"), (404, "not_found"), (410, "gone")],
)
async def test_a_webhook_gets_a_ping(push: Pusher, status: int, finding: str) -> None:
    async with elsewhere(says(status)) as there:
        found = await probe(push.http, replace(WEBHOOK, url=f"{there.url}/in?a=b"), QUICK, AT)

    assert found.finding == finding
    [got] = there.received
    assert (got.path, got.json()["type"]) == ("/in?a=b", "ping")
    assert got.headers["webhook-signature"].count("v1,") == 2


async def test_every_finding_comes_with_advice(push: Pusher) -> None:
    for kind in (GatewayKind.OPENCLAW, GatewayKind.OPENCLAW_CHAT, GatewayKind.WEBHOOK):
        refused = await probe(push.http, Target(kind, "http://10.0.0.1", "t", "k"), QUICK, AT)
        assert refused.finding is Finding.REFUSED_BY_OUR_RULES
        assert "HUBBUB_GATEWAY__ALLOW_CIDRS" in str(refused.advice)
        assert refused.status is None
