"""Webhooks as standardwebhooks.com has them, so that a receiver can verify with a library."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from hubbub.agents.types import SIGNING_SECRET_MARK
from hubbub.messages.delivery.findings import finding_of, retry_or_pause
from hubbub.messages.delivery.types import (
    Answer,
    Delivered,
    NoAnswer,
    Outcome,
    Participant,
    Push,
    Request,
    Target,
)
from hubbub.settings import GatewaySettings


def prepare(push: Push, settings: GatewaySettings) -> Request:
    """The body is the same on every try; of the headers, time and signature differ."""
    return request_for(
        push.target,
        {"type": "message.received", "timestamp": push.created_at, "data": _data(push)},
        settings,
        event_id=push.delivery_id,
        at=push.attempted_at,
        timeout=settings.timeout,
    )


def request_for(
    target: Target,
    event: dict[str, Any],
    settings: GatewaySettings,
    *,
    event_id: str,
    at: datetime,
    timeout: float,
) -> Request:
    # a driver's own kind of UUID is none to orjson
    body = orjson.dumps(event, default=str, option=orjson.OPT_UTC_Z)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
    }
    if target.signing_secrets:
        headers["webhook-signature"] = signature(
            target.signing_secrets, event_id, headers["webhook-timestamp"], body
        )
    return Request(
        url=target.url,
        headers=headers,
        body=body,
        connect_timeout=settings.connect_timeout,
        timeout=timeout,
        max_answer=settings.max_answer_bytes,
        secrets=tuple(each.removeprefix(SIGNING_SECRET_MARK) for each in target.signing_secrets),
    )


def signature(secrets: Sequence[str], event_id: str, timestamp: str, body: bytes) -> str:
    """One for each secret: the receiver may know the old one or the new one."""
    content = f"{event_id}.{timestamp}.".encode() + body
    return " ".join(f"v1,{_signed(secret, content)}" for secret in secrets)


def _signed(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(SIGNING_SECRET_MARK))
    return base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()


def outcome_of(push: Push, answer: Answer | NoAnswer) -> Outcome:
    del push
    if isinstance(answer, Answer) and answer.is_success:
        return Delivered(answer.status, answer.ms)
    return retry_or_pause(answer, finding_of(answer))


def _data(push: Push) -> dict[str, Any]:
    return {
        "delivery_id": push.delivery_id,
        "seq": push.seq,
        "from": _shown(push.sender),
        "to": _shown(push.recipient),
        "message": {
            "id": push.message_id,
            "thread_id": push.thread_id,
            "reply_to": push.reply_to,
            "room": push.room,
            "content": push.content,
            "content_type": push.content_type,
            "files": push.files,
            "metadata": push.metadata,
            "priority": push.priority,
            "created_at": push.created_at,
            "expires_at": push.expires_at,
            "ack_by": push.ack_by,
        },
    }


def _shown(party: Participant) -> dict[str, Any]:
    return {
        "id": party.id,
        "name": party.handle,
        "display_name": party.name,
        "kind": party.kind,
    }
