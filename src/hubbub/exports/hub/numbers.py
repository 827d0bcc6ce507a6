"""The numbers of inboxes and rooms, as they go by: a reader would wait for ever for one that is
left out."""

from collections.abc import Mapping
from typing import Any

from hubbub.kit.db.counter import Counter
from hubbub.messages.models import Delivery, RoomMessage

_HOLDERS = {Delivery.__tablename__: "recipient_id", RoomMessage.__tablename__: "room_id"}


class Numbers:
    """Is shown every line that was taken, in the order of the file."""

    def __init__(self) -> None:
        self._first: dict[str, int] = {}
        """Where something was forgotten. What was replayed meanwhile may be left below."""
        self._holder = ""
        self._last = 0

    def gap(self, kind: str, line: Mapping[str, Any]) -> bool:
        """Whether a number is missing before this line."""
        if kind in _HOLDERS:
            return self._is_gap(line[_HOLDERS[kind]], line["seq"])
        if kind == Counter.__tablename__ and line["first_seq"] > 1:
            self._first[line["id"]] = line["first_seq"]
        return False

    def _is_gap(self, holder: str, seq: int) -> bool:
        follows = self._last + 1 if holder == self._holder else 1
        self._holder, self._last = holder, seq
        return seq != follows and seq > self._first.get(holder, 1)
