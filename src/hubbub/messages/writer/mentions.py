"""Who is named with an `@` in what is said in a room."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol
from uuid import UUID

from hubbub.kit.ids import new_id_text
from hubbub.kit.outbox import Event
from hubbub.messages.types import ContentType
from hubbub.messages.writer import statements as sql
from hubbub.messages.writer.steps import Ask, Steps

MOST_MENTIONED = 20
_MOST_LOOKED_UP = 100
"""Whatever follows an `@` may be a name; only so many are tried."""
_NAME = re.compile(r"(?<![\w.@/-])@([A-Za-z0-9][A-Za-z0-9._-]{0,63})(?![\w-])")
_TICKS = re.compile(r"`+")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


class Mentioned(Event):
    topic: ClassVar[str] = "messages.mentioned"
    message_id: UUID
    participant_id: UUID


class JsonForm(Protocol):
    def json(self, content: object) -> str | None: ...


class Said(NamedTuple):
    """Something that is being said in a room, and what may be names in it."""

    message_id: str
    room_id: str
    sender_id: str
    names: tuple[str, ...]


def names_in(content: str, content_type: str) -> tuple[str, ...]:
    """What may be handles, as they are stored, in the order in which they are named."""
    if "@" not in content or content_type == ContentType.JSON:
        return ()
    found: dict[str, None] = {}
    for name in _NAME.findall(_without_code(content)):
        found[name.lower()] = None
        if len(found) == _MOST_LOOKED_UP:
            break
    return tuple(found)


def _without_code(content: str) -> str:
    # each pass is linear, whatever the content: nobody may keep the hub busy with backticks
    if "`" not in content and "~~~" not in content:
        return content
    return "\n".join(_without_spans(part) for part in _outside_fences(content))


def _outside_fences(content: str) -> Iterator[str]:
    """The parts before, between and after fenced blocks; one that isn't closed goes to the end."""
    part: list[str] = []
    fence = ""
    for line in content.splitlines():
        found = _FENCE.match(line)
        if not fence and found is not None and "`" not in line[found.end() :]:
            fence = found[1]
            yield "\n".join(part)
            part = []
        elif not fence:
            part.append(line)
        elif found is not None and found[1].startswith(fence) and not line[found.end() :].strip():
            fence = ""
    yield "\n".join(part)


def _without_spans(text: str) -> str:
    """A run of backticks opens a span when another one as long follows; else it is just text."""
    runs = [(found.start(), found.end()) for found in _TICKS.finditer(text)]
    following: dict[int, int] = {}
    closing = [-1] * len(runs)
    for place in range(len(runs) - 1, -1, -1):
        start, end = runs[place]
        closing[place] = following.get(end - start, -1)
        following[end - start] = place
    kept: list[str] = []
    place, begin = 0, 0
    while place < len(runs):
        if closing[place] < 0:
            place += 1
            continue
        kept.append(text[begin : runs[place][0]])
        begin = runs[closing[place]][1]
        place = closing[place] + 1
    kept.append(text[begin:])
    return "`".join(kept)


def mention(said: Sequence[Said], forms: JsonForm) -> Steps[None]:
    """Leaves an event for each member of the room who is named, in this very transaction."""
    asked = {(each.room_id, name) for each in said for name in _spellings(each.names)}
    if not asked:
        return
    found = yield Ask(sql.NAMED_MEMBERS, sorted(asked))
    members = {(room_id, handle): member for room_id, handle, member in found}
    rows: list[tuple[Any, ...]] = []
    for each in said:
        for member in _mentioned(each, members)[:MOST_MENTIONED]:
            payload = {"message_id": each.message_id, "participant_id": member}
            rows.append((new_id_text(), Mentioned.topic, forms.json(payload)))
    if rows:
        yield Ask(sql.EVENTS, rows, answers=False)


def _mentioned(said: Said, members: dict[tuple[str, str], str]) -> list[str]:
    found: dict[str, None] = {}
    for name in said.names:
        for spelling in _spellings([name]):
            member = members.get((said.room_id, spelling))
            if member is not None:
                if member != said.sender_id:
                    found[member] = None
                break
    return list(found)


def _spellings(names: Sequence[str]) -> Iterator[str]:
    """A handle may end with a full stop, and a sentence may end with a handle."""
    for name in names:
        yield name
        bare = name.rstrip("._-")
        if bare != name:
            yield bare
