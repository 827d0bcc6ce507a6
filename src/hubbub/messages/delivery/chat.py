"""The chat of an OpenClaw gateway: the agent's answer comes back in the same request.

The gateway has no memory of what it was asked before, so a request of which nobody knows whether it
arrived isn't sent again, unless the owner prefers twice to never.
"""

from typing import Any

import orjson

from hubbub.messages.delivery.findings import finding_of, retry_or_pause
from hubbub.messages.delivery.openclaw import agent_of, under
from hubbub.messages.delivery.text import NO_REPLY, NOTHING, text_of
from hubbub.messages.delivery.types import (
    Answer,
    Delivered,
    Failed,
    NoAnswer,
    Outcome,
    Push,
    Replied,
    Request,
    Retry,
    Target,
)
from hubbub.messages.types import Finding
from hubbub.settings import GatewaySettings

OUTCOME_UNKNOWN = "outcome_unknown"
REPLY_LOST = "reply_lost"
_NOT_BEGUN = frozenset({408, 409, 425, 429, 503})
"""What says that the turn hasn't begun. Any other error from 500 on may have come after it."""
_SENTENCES = (
    ("Unknown agent", Finding.UNKNOWN_AGENT),
    ("x-openclaw-session-key", Finding.SESSION_KEY_REFUSED),
    ("Plugin runtime is starting", Finding.STARTING),
    # the gateway's own 401 is of the type "unauthorized"
    ('"authentication_error"', Finding.MODEL_REFUSED),
    ('"insufficient_quota"', Finding.MODEL_REFUSED),
)
_SILENCE = frozenset({NO_REPLY, NOTHING, "No response from OpenClaw"})
_MARKS = "\"'`*. \r\n\t"
"""Models like to put them around a word."""
_STATUSES = {
    401: Finding.WRONG_TOKEN,
    404: Finding.CHAT_DISABLED,
    405: Finding.NOT_OPENCLAW,
}


def prepare(push: Push, settings: GatewaySettings) -> Request:
    return request_for(
        push.target,
        [{"role": "user", "content": text_of(push)}],
        settings,
        timeout=settings.chat_timeout,
    )


def request_for(
    target: Target, messages: list[dict[str, Any]], settings: GatewaySettings, *, timeout: float
) -> Request:
    agent = agent_of(target.session_key)
    body = {
        "model": f"openclaw/{agent}" if agent else "openclaw",
        "messages": messages,
        "stream": False,
    }
    token = target.token or ""
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        # a connection that is kept may end just as the next request is sent on it
        "Connection": "close",
    }
    if target.session_key:
        headers["x-openclaw-session-key"] = target.session_key
    return Request(
        url=under(target.url, "v1/chat/completions"),
        headers=headers,
        body=orjson.dumps(body),
        connect_timeout=settings.connect_timeout,
        timeout=timeout,
        max_answer=settings.max_reply_bytes,
        secrets=(token,) if token else (),
    )


def what_it_says(answer: Answer | NoAnswer) -> Finding:
    return finding_of(answer, _SENTENCES, _STATUSES)


def outcome_of(push: Push, answer: Answer | NoAnswer) -> Outcome:
    if isinstance(answer, Answer) and answer.is_success:
        return _arrived(answer)
    if _is_ambiguous(answer):
        return (
            Retry(what_it_says(answer)) if push.target.retry_ambiguous else Failed(OUTCOME_UNKNOWN)
        )
    return retry_or_pause(answer, what_it_says(answer))


def _is_ambiguous(answer: Answer | NoAnswer) -> bool:
    if isinstance(answer, NoAnswer):
        return not answer.never_sent
    return answer.status >= 500 and answer.status not in _NOT_BEGUN


def _arrived(answer: Answer) -> Delivered | Replied:
    """The turn is over in any case: asking again for a lost answer would run it twice."""
    text = _reply_in(answer.body) if answer.is_whole else None
    if text is None:
        return Delivered(answer.status, answer.ms, REPLY_LOST)
    text = text.replace("\x00", "")
    if not text.strip() or text.strip(_MARKS) in _SILENCE:
        return Delivered(answer.status, answer.ms)
    return Replied(answer.status, answer.ms, text)


def _reply_in(body: bytes) -> str | None:
    try:
        content = orjson.loads(body)["choices"][0]["message"]["content"]
    except (orjson.JSONDecodeError, LookupError, TypeError):
        return None
    if isinstance(content, list):
        parts = [each.get("text") for each in content if isinstance(each, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    return "" if content is None else content if isinstance(content, str) else None
