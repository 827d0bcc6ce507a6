"""Asking a gateway whether pushes would get through, without giving it a message.

A gateway of OpenClaw checks the session key after nearly all else and names the prefixes that it
allows when it refuses one. So the hooks are asked with a key that nobody allows, and the chat
without a word to answer: both are refused at the very end, with a sentence that says that all
before it holds.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime

import orjson
from aiohttp import ClientSession

from hubbub.agents.types import GatewayKind
from hubbub.kit.ids import new_id_text
from hubbub.messages.delivery import chat, openclaw, webhook
from hubbub.messages.delivery.findings import ADVICE, advice_for, finding_of
from hubbub.messages.delivery.post import post
from hubbub.messages.delivery.types import Answer, NoAnswer, Request, Target
from hubbub.messages.types import Finding
from hubbub.settings import GatewaySettings

TIMEOUT = 10.0
_PREFIXES = "sessionKey must start with one of: "
_NO_MESSAGE = "Missing user message"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    finding: Finding
    advice: str | None = None
    status: int | None = None
    ms: int | None = None
    excerpt: str | None = None


async def probe(
    http: ClientSession, target: Target, settings: GatewaySettings, at: datetime
) -> Diagnosis:
    if target.kind is GatewayKind.OPENCLAW:
        return await _probe_hooks(http, target, settings)
    if target.kind is GatewayKind.OPENCLAW_CHAT:
        return await _probe_chat(http, target, settings)
    event = {"type": "ping", "timestamp": at, "data": {}}
    request = webhook.request_for(
        target, event, settings, event_id=new_id_text(), at=at, timeout=TIMEOUT
    )
    answer = await post(http, request)
    return _diagnosis(finding_of(answer), answer)


async def _probe_hooks(http: ClientSession, target: Target, settings: GatewaySettings) -> Diagnosis:
    answer = await post(http, _hooks_request(target, settings))
    finding = _hooks_finding(target, answer)
    if finding is Finding.WRONG_TOKEN and _is_let_in(
        await post(http, _tools_request(target, settings))
    ):
        finding = Finding.GATEWAY_TOKEN_GIVEN
    return _diagnosis(finding, answer)


def _hooks_request(target: Target, settings: GatewaySettings) -> Request:
    agent = openclaw.agent_of(target.session_key)
    nobodys = f"{secrets.token_hex(12)}:probe"
    return openclaw.request_for(
        target,
        {
            "message": "This only tests the connection. There is nothing to do: reply NO_REPLY.",
            "sessionKey": nobodys,
        }
        | ({"agentId": agent} if agent else {}),
        settings,
        timeout=TIMEOUT,
        key=new_id_text(),
    )


def _hooks_finding(target: Target, answer: Answer | NoAnswer) -> Finding:
    finding = openclaw.what_it_says(answer)
    if not isinstance(answer, Answer):
        return finding
    if finding is Finding.PREFIX_MISSING:
        return Finding.OK if _is_allowed(target.session_key, answer.body) else finding
    if finding is Finding.OK:
        return Finding.OK if _is_json_object(answer.body) else Finding.NOT_OPENCLAW
    return finding


def _is_allowed(session_key: str | None, body: bytes) -> bool:
    """By the gateway's own list, which it compares with in lower case."""
    try:
        said = str(orjson.loads(body)["error"])
    except (orjson.JSONDecodeError, LookupError, TypeError):
        return False
    prefixes = [each.strip() for each in said.partition(_PREFIXES)[2].split(",")]
    key = (session_key or "").lower()
    return any(prefix and key.startswith(prefix) for prefix in prefixes)


def _is_json_object(body: bytes) -> bool:
    try:
        return isinstance(orjson.loads(body), dict)
    except orjson.JSONDecodeError:
        return False


async def _probe_chat(http: ClientSession, target: Target, settings: GatewaySettings) -> Diagnosis:
    answer = await post(http, _chat_request(target, settings))
    finding = _chat_finding(answer)
    if finding is Finding.WRONG_TOKEN and _is_let_in(
        await post(http, _hooks_request(target, settings))
    ):
        finding = Finding.HOOKS_TOKEN_GIVEN
    return _diagnosis(finding, answer)


def _tools_request(target: Target, settings: GatewaySettings) -> Request:
    """For the tools of a gateway, which are always on, without naming one."""
    asked = _chat_request(target, settings)
    return replace(asked, url=openclaw.under(target.url, "tools/invoke"), body=b"{}")


def _chat_request(target: Target, settings: GatewaySettings) -> Request:
    return chat.request_for(target, [], settings, timeout=TIMEOUT)


def _chat_finding(answer: Answer | NoAnswer) -> Finding:
    finding = chat.what_it_says(answer)
    if finding is Finding.BAD_REQUEST and isinstance(answer, Answer):
        return Finding.OK if _NO_MESSAGE in answer.body.decode(errors="replace") else finding
    # nothing answers an empty conversation
    return Finding.NOT_OPENCLAW if finding is Finding.OK else finding


def _is_let_in(answer: Answer | NoAnswer) -> bool:
    """Whether the token was good there: what is refused then is something else."""
    return isinstance(answer, Answer) and (answer.is_success or answer.status == 400)


def _diagnosis(finding: Finding, answer: Answer | NoAnswer) -> Diagnosis:
    if isinstance(answer, NoAnswer):
        return Diagnosis(finding, advice_for(finding, answer), ms=answer.ms)
    advice = None if finding is Finding.OK else ADVICE[finding]
    return Diagnosis(finding, advice, answer.status, answer.ms, answer.excerpt)
