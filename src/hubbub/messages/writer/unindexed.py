"""What a batch leaves behind for the search index, which is kept in the background."""

from collections.abc import Sequence
from typing import Any, Protocol

from hubbub.kit.ids import new_id
from hubbub.messages.types import THIS_PROCESS
from hubbub.messages.writer.draft import Stored

MOST_IN_ROW = 100
"""So many messages are indexed at once, and keep other writers waiting."""
MOST_NAMED = 32


class JsonForm(Protocol):
    def json(self, content: object) -> str | None: ...


def unindexed(stored: Sequence[Stored], forms: JsonForm) -> list[tuple[Any, ...]]:
    entries = [_entry(each) for each in stored]
    return [
        (str(new_id()), forms.json(entries[start : start + MOST_IN_ROW]), THIS_PROCESS)
        for start in range(0, len(entries), MOST_IN_ROW)
    ]


def _entry(stored: Stored) -> list[str]:
    """Without anybody where there are many, or none yet: others may follow. A room stands for
    those who are in it by the time that they look."""
    if stored.draft.is_delivered_later or len(stored.recipients) > MOST_NAMED:
        return [stored.draft.id]
    room = [stored.room_id] if stored.room_id is not None else []
    recipients = (other for other, _ in stored.recipients)
    return [stored.draft.id, stored.draft.sender_id, *room, *recipients]
