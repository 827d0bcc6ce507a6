"""Making the deliveries of a message that was not delivered when it was stored: it is due later, or
it goes to everyone, which takes more than one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from hubbub.kit.ids import FIRST_ID
from hubbub.messages.writer import statements as sql
from hubbub.messages.writer.audience import People, Rooms, look_up_members, look_up_standing
from hubbub.messages.writer.draft import Deliveries
from hubbub.messages.writer.mentions import Said, mention, names_in
from hubbub.messages.writer.rows import insert_deliveries, number
from hubbub.messages.writer.steps import Ask, Forms, Steps
from hubbub.rooms.types import MemberRole


class _Row(NamedTuple):
    message_id: str
    sender_id: str
    room_id: str | None
    to_everyone: bool
    recipients: Any
    after_id: str | None
    expires_at: Any
    ack_by: Any
    content_type: str
    content: str
    """If anybody may be mentioned in it."""
    priority: str


@dataclass(slots=True)
class _Next:
    """Who comes next, and where to go on from after them; None when that was all."""

    ids: list[str]
    gone: int = 0
    after_id: str | None = None


def fan_out(now: datetime, forms: Forms, taken: list[str]) -> Steps[Deliveries | None]:
    """Takes one step with one message that is due; None when none is. `taken` gets its id, so that
    it is known if this goes wrong."""
    rows = yield Ask(sql.DUE, [1])
    if not rows:
        return None
    row = _Row(*rows[0])
    taken.append(row.message_id)
    people = People()
    people.add((yield Ask(sql.AGENTS_BY_ID, [row.sender_id])))
    following = yield from _next(row, people)
    passed = yield from _passing(row, following.ids, people)
    skipped = following.gone + len(following.ids) - len(passed)
    room_id, present = yield from _present(row, people)
    recipients = sorted({*passed, *present} - {row.sender_id})
    due = Deliveries(
        message_id=row.message_id,
        sender_id=row.sender_id,
        expires_at=row.expires_at,
        ack_by=row.ack_by,
        recipients=[(other, 0) for other in recipients],
        room_id=room_id,
        room_seq=0,
        priority=row.priority,
    )
    yield from number([due], people, forms)
    if room_id is not None and row.content:
        names = names_in(row.content, row.content_type)
        yield from mention([Said(row.message_id, room_id, row.sender_id, names)], forms)
    yield from insert_deliveries([due], forms.time(now), people)
    outcome = (row.message_id, following.after_id, len(recipients), skipped)
    yield Ask(sql.FANNED_OUT, [(*outcome, following.after_id is None)], answers=False)
    return due


def put_off(message_id: str) -> Steps[None]:
    """For a minute: the others that are due don't wait for it."""
    yield Ask(sql.PUT_OFF, [(message_id,)], answers=False)


def _next(row: _Row, people: People) -> Steps[_Next]:
    if row.sender_id not in people.by_id:
        return _Next([])
    if row.to_everyone:
        found = people.add((yield Ask(sql.NEXT_OF_ALL, [(row.after_id or FIRST_ID,)])))
        others = [each for each in found if each != row.sender_id]
        return _Next(others, after_id=found[-1] if found else None)
    listed = row.recipients
    listed = orjson.loads(listed) if isinstance(listed, str) else listed
    if not listed:
        return _Next([])
    found = people.add((yield Ask(sql.AGENTS_BY_ID, listed)))
    return _Next(found, gone=len(listed) - len(found))


def _passing(row: _Row, ids: Sequence[str], people: People) -> Steps[list[str]]:
    """Who doesn't refuse the sender by now."""
    standing = yield from look_up_standing({(other, row.sender_id) for other in ids}, people)
    sender = people.by_id.get(row.sender_id)
    if sender is None:
        return []
    return [other for other in ids if not standing.refuses(sender, people.by_id[other])]


def _present(row: _Row, people: People) -> Steps[tuple[str | None, list[str]]]:
    """The room, with those who hear it; none if the sender can't speak in it any more."""
    if row.room_id is None or row.sender_id not in people.by_id:
        return None, []
    [(room_id, role, is_deleted, last_seq)] = yield Ask(
        sql.ROOMS_BY_ID, [(row.room_id, row.sender_id)]
    )
    if is_deleted or role in {None, MemberRole.OBSERVER}:
        return None, []
    rooms = Rooms()
    yield from look_up_members([room_id], rooms, people)
    people.last_seq[room_id] = last_seq or 0
    return room_id, rooms.members.get(room_id, [])
