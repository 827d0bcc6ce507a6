"""From what was sent to what is stored. No session here: the writer owns the transaction."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from hubbub.kit.idempotency import check_key
from hubbub.kit.ids import new_id_text
from hubbub.messages.errors import ContentTooLarge, NotInFuture
from hubbub.messages.schemas import AGENT, EVERYONE, ROOM, MessageSend
from hubbub.messages.writer.draft import Draft, Stored
from hubbub.messages.writer.mentions import names_in
from hubbub.settings import MessageSettings


def draft_of(
    sender_id: UUID, body: MessageSend, key: str | None, now: datetime, settings: MessageSettings
) -> Draft:
    most = settings.max_content_bytes
    if len(body.content) * 4 > most and len(body.content.encode()) > most:
        msg = f"At most {most} bytes of UTF-8."
        raise ContentTooLarge(msg)
    if not (body.deliver_at is body.expires_at is body.ack_by is None):
        _check_times(body, now, settings)
    if key is not None:
        check_key(key)
    to_ids: tuple[str, ...] = ()
    to_handles: tuple[str, ...] = ()
    to_room = None
    if body.to is None:
        to_ids = (str(body.to_agent_id),)
    else:
        to_handles = _names(body.to, AGENT)
        to_room = next(iter(_names(body.to, ROOM)), None)
    names: tuple[str, ...] = ()
    if to_room is not None and body.deliver_at is None:
        names = names_in(body.content, body.content_type)
    return Draft(
        id=new_id_text(),
        sender_id=str(sender_id),
        to_ids=to_ids,
        to_handles=to_handles,
        addressed=body.to or list(to_ids),
        content=body.content,
        content_type=body.content_type.value,
        to_room=to_room,
        to_everyone=body.to == [EVERYONE],
        names=names,
        metadata=body.metadata,
        reply_to=str(body.reply_to) if body.reply_to else None,
        priority=body.priority.value,
        deliver_at=body.deliver_at,
        expires_at=body.expires_at,
        ack_by=body.ack_by,
        key=key,
        body_hash=_hash(body) if key is not None else None,
    )


def _names(to: list[str], kind: str) -> tuple[str, ...]:
    return tuple(each[len(kind) :].lower() for each in to if each.startswith(kind))


def _check_times(body: MessageSend, now: datetime, settings: MessageSettings) -> None:
    begins = body.deliver_at or now
    if not now <= begins <= now + timedelta(days=settings.max_delay_days):
        msg = f"deliver_at may be at most {settings.max_delay_days} days ahead."
        raise NotInFuture(msg)
    if any(at is not None and at <= begins for at in (body.expires_at, body.ack_by)):
        raise NotInFuture


_BESIDE = {"from_agent_id", "idempotency_key"}
"""What the key is looked up by says already."""
_UNLESS_GIVEN = _BESIDE | {"file_ids"}
"""It came later: a key that was used before is still known by the same hash."""


def _hash(body: MessageSend) -> str:
    """Of the validated body in one order of its fields: how it was written doesn't matter, nor
    whether it came alone or with others."""
    content = body.model_dump(mode="json", exclude=_BESIDE if body.file_ids else _UNLESS_GIVEN)
    canonical = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()


_NOBODY_YET = {"done": False, "reached": 0, "skipped": 0}


def shown(stored: Stored) -> Mapping[str, Any]:
    """The answer to a send, and to every repetition of it: the message as it was first stored."""
    d = stored.draft
    return {
        "id": d.id,
        "from_agent_id": d.sender_id,
        "from_name": stored.sender_handle,
        "to_agent_id": (
            stored.recipients[0][0]
            if len(stored.recipients) == 1 and stored.room_id is None
            else None
        ),
        "to": d.addressed,
        "content": d.content,
        "content_type": d.content_type,
        "thread_id": stored.thread_id,
        "room_id": stored.room_id,
        "reply_to": d.reply_to,
        "files": d.files,
        "metadata": d.metadata,
        "priority": d.priority,
        "delivered": False,
        "spread": _NOBODY_YET if d.is_delivered_later else None,
        "created_at": utc(stored.created_at),
        "deliver_at": utc(d.deliver_at),
        "expires_at": utc(d.expires_at),
        "ack_by": utc(d.ack_by),
        "withdrawn_at": None,
    }


def utc(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
