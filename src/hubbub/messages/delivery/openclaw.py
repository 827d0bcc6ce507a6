"""The hooks of an OpenClaw gateway: a message is taken at once, and known again by its key.

The sentences looked for are those of version 2026.9.6; with others the status alone has to do.
"""

import re
from typing import Any

import orjson

from hubbub.messages.delivery.findings import finding_of, retry_or_pause
from hubbub.messages.delivery.text import text_of
from hubbub.messages.delivery.types import (
    Answer,
    Delivered,
    NoAnswer,
    Outcome,
    Push,
    Request,
    Target,
)
from hubbub.messages.types import Finding
from hubbub.settings import GatewaySettings

NAME = "Hubbub"
_AGENT_KEY = re.compile(r"agent:([^:]+):.+")
_SENTENCES = (
    ("sessionKey is disabled", Finding.SESSION_KEYS_NOT_ALLOWED),
    ("allowedSessionKeyPrefixes is required", Finding.NO_PREFIXES),
    ("sessionKey must start with", Finding.PREFIX_MISSING),
    ("agentId is required", Finding.AGENT_NEEDED),
    ("unknown agentId", Finding.UNKNOWN_AGENT),
    ("agentId is not allowed", Finding.UNKNOWN_AGENT),
    ("Plugin runtime is starting", Finding.STARTING),
    ("did not start before admission timeout", Finding.BUSY),
)
_STATUSES = {
    401: Finding.WRONG_TOKEN,
    404: Finding.HOOKS_DISABLED,
    405: Finding.NOT_OPENCLAW,
}


def prepare(push: Push, settings: GatewaySettings) -> Request:
    return request_for(
        push.target,
        {"message": text_of(push), "sessionKey": push.target.session_key},
        settings,
        timeout=settings.timeout,
        key=push.delivery_id,
    )


def request_for(
    target: Target, body: dict[str, Any], settings: GatewaySettings, *, timeout: float, key: str
) -> Request:
    body |= {"name": NAME, "sessionMode": "persistent", "deliver": False}
    agent = agent_of(body["sessionKey"])
    if agent is not None:
        body["agentId"] = agent
    token = target.token or ""
    return Request(
        url=under(target.url, "hooks/agent"),
        headers={
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        },
        body=orjson.dumps(body),
        connect_timeout=settings.connect_timeout,
        timeout=timeout,
        max_answer=settings.max_answer_bytes,
        secrets=(token,) if token else (),
    )


def under(url: str, path: str) -> str:
    return f"{url.rstrip('/')}/{path}"


def agent_of(session_key: str | None) -> str | None:
    """A gateway with several agents wants to be told which one is meant."""
    found = _AGENT_KEY.fullmatch(session_key or "")
    return found[1] if found else None


def what_it_says(answer: Answer | NoAnswer) -> Finding:
    return finding_of(answer, _SENTENCES, _STATUSES)


def outcome_of(push: Push, answer: Answer | NoAnswer) -> Outcome:
    del push
    if isinstance(answer, Answer) and answer.is_success:
        return Delivered(answer.status, answer.ms)
    return retry_or_pause(answer, what_it_says(answer))
