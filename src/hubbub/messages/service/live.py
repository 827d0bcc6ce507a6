"""A message that has just been stored, told to those who wait for it from memory."""

from typing import Any

import orjson

from hubbub.messages.service.send import utc
from hubbub.messages.writer.draft import Stored


class Live:
    """Written as JSON once, whoever it is for."""

    __slots__ = ("_json", "frames", "stored")

    def __init__(self, stored: Stored) -> None:
        self.stored = stored
        self.frames: dict[str, bytes] = {}
        """What transports have made of it that is the same for all readers of a room, by the name
        of the form."""
        self._json: bytes | None = None

    @property
    def json(self) -> bytes:
        if self._json is None:
            self._json = orjson.dumps(live_message(self.stored))
        return self._json


def live_message(stored: Stored) -> dict[str, Any]:
    """As an inbox shows it that is read from the tables."""
    d = stored.draft
    return {
        "id": d.id,
        "from_agent_id": d.sender_id,
        "from_name": stored.sender_handle,
        "thread_id": stored.thread_id,
        "room_id": stored.room_id,
        "priority": d.priority,
        "created_at": utc(stored.created_at),
        "content_type": d.content_type,
        "size": len(d.content.encode()),
        "content": d.content,
        "files": d.files,
        "reply_to": d.reply_to,
        "metadata": d.metadata,
        "expires_at": utc(d.expires_at),
        "ack_by": utc(d.ack_by),
    }
