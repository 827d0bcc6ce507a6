"""From what was sent to what is stored. No session here: the writer owns the transaction."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from hubbub.agents.types import Actor
from hubbub.kit.errors import AppError
from hubbub.kit.idempotency import check_key
from hubbub.kit.ids import new_id_text
from hubbub.messages.errors import ContentTooLarge, NotInFuture, NotYourParticipant
from hubbub.messages.schemas import MessageSend
from hubbub.messages.writer.draft import Draft, Outcome, Replayed, Stored
from hubbub.settings import MessageSettings


def draft_of(
    sender_id: UUID, body: MessageSend, key: str | None, now: datetime, settings: MessageSettings
) -> Draft:
    most = settings.max_content_bytes
    if len(body.content) * 4 > most and len(body.content.encode()) > most:
        msg = f"At most {most} bytes of UTF-8."
        raise ContentTooLarge(msg)
    if body.expires_at is not None or body.ack_by is not None:
        _check_future(body, now)
    if key is not None:
        check_key(key)
    to_ids: tuple[str, ...] = ()
    to_handles: tuple[str, ...] = ()
    if body.to is None:
        to_ids = (str(body.to_agent_id),)
    else:
        to_handles = tuple(each.removeprefix("agent:").lower() for each in body.to)
    return Draft(
        id=new_id_text(),
        sender_id=str(sender_id),
        to_ids=to_ids,
        to_handles=to_handles,
        addressed=body.to or list(to_ids),
        content=body.content,
        content_type=body.content_type.value,
        metadata=body.metadata,
        reply_to=str(body.reply_to) if body.reply_to else None,
        priority=body.priority.value,
        expires_at=body.expires_at,
        ack_by=body.ack_by,
        key=key,
        body_hash=_hash(body) if key is not None else None,
    )


def _check_future(body: MessageSend, now: datetime) -> None:
    if any(at is not None and at <= now for at in (body.expires_at, body.ack_by)):
        raise NotInFuture


def _hash(body: MessageSend) -> str:
    """Of the validated body in one order of its fields: how it was written doesn't matter."""
    canonical = orjson.dumps(body.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()


def speaks_for_itself(actor: Actor, body: MessageSend) -> bool:
    """Whether no look into the database is needed to know who speaks."""
    if body.from_agent_id is None or body.from_agent_id == actor.participant_id:
        return True
    if not actor.is_user:
        raise NotYourParticipant
    return False


def shown(stored: Stored) -> Mapping[str, Any]:
    """The answer to a send, and to every repetition of it: the message as it was first stored."""
    d = stored.draft
    return {
        "id": d.id,
        "from_agent_id": d.sender_id,
        "from_name": stored.sender_handle,
        "to_agent_id": stored.recipients[0][0] if len(stored.recipients) == 1 else None,
        "to": d.addressed,
        "content": d.content,
        "content_type": d.content_type,
        "thread_id": stored.thread_id,
        "reply_to": d.reply_to,
        "metadata": d.metadata,
        "priority": d.priority,
        "delivered": False,
        "created_at": _utc(stored.created_at),
        "expires_at": _utc(d.expires_at),
        "ack_by": _utc(d.ack_by),
        "withdrawn_at": None,
    }


def _utc(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def settled(outcome: Outcome) -> Stored | Replayed:
    if isinstance(outcome, AppError):
        raise outcome
    return outcome
