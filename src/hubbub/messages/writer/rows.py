"""Numbers and rows of what is stored."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hubbub.messages.types import RANKS, SAME_RANK, Priority
from hubbub.messages.writer import statements as sql
from hubbub.messages.writer.audience import People
from hubbub.messages.writer.draft import Deliveries, Stored
from hubbub.messages.writer.steps import Ask, Forms, Steps
from hubbub.messages.writer.unindexed import unindexed


def number(stored: Sequence[Deliveries], people: People, forms: Forms) -> Steps[None]:
    """Gives each delivery the next number of its inbox, and what is said in a room the next of the
    room; the rows stay locked until the commit, so numbers and commits have the same order."""
    inboxes: dict[str, int] = {}
    rooms: dict[str, int] = {}
    for each in stored:
        for other, _ in each.recipients:
            inboxes[other] = inboxes.get(other, 0) + 1
        if each.room_id is not None:
            rooms[each.room_id] = rooms.get(each.room_id, 0) + 1
    if not inboxes and not rooms:
        return
    rows = [(other, count, count) for other, count in inboxes.items()]
    rows += [(room, count, 0) for room, count in rooms.items()]
    advanced = yield Ask(sql.ADVANCE, sorted(rows), answers=not forms.alone)
    following = people.last_seq
    if not forms.alone:
        counts = inboxes | rooms
        following = {stream: last - counts[stream] for stream, last in advanced}
    for each in stored:
        numbered = []
        for other, _ in each.recipients:
            following[other] = seq = following[other] + 1
            numbered.append((other, seq))
        each.recipients = numbered
        if each.room_id is not None:
            following[each.room_id] = each.room_seq = following[each.room_id] + 1


def insert_messages(stored: Sequence[Stored], at: object, forms: Forms) -> Steps[None]:
    messages, waiting = [], []
    for each in stored:
        d = each.draft
        messages.append(
            (
                *(d.id, d.sender_id, each.thread_id, each.room_id, d.reply_to),
                *(forms.json(d.addressed), d.content, d.content_type, forms.json(d.metadata)),
                *(d.priority, each.hops, at, forms.time(d.deliver_at)),
                *(each.expires_at, each.ack_by, forms.json(d.files) if d.files else None),
            )
        )
        if d.is_delivered_later:
            listed = forms.json([other for other, _ in each.recipients])
            waiting.append((d.id, forms.time(d.deliver_at) or at, d.to_everyone, listed))
    if messages:
        yield Ask(sql.MESSAGES, messages, answers=False)
        yield Ask(sql.UNINDEXED, unindexed(stored, forms), answers=False)
    if waiting:
        yield Ask(sql.FAN_OUTS, waiting, answers=False)


def insert_deliveries(made: Iterable[Deliveries], at: object, people: People) -> Steps[None]:
    deliveries: list[tuple[Any, ...]] = []
    said: list[tuple[Any, ...]] = []
    pushes: list[tuple[Any, ...]] = []
    for each in made:
        same = (each.message_id, each.sender_id, at, each.expires_at, each.ack_by)
        deliveries += [(other, seq, *same) for other, seq in each.recipients]
        if each.room_id is not None:
            said.append((each.room_id, each.room_seq, each.message_id))
        if people.pushed:
            pushes += _pushes(each, at, people.pushed)
    if deliveries:
        yield Ask(sql.DELIVERIES, deliveries, answers=False)
    if said:
        yield Ask(sql.ROOM_MESSAGES, said, answers=False)
    if pushes:
        yield Ask(sql.PUSHES, pushes, answers=False)
        yield Ask(sql.LANES, sorted({(row[0],) for row in pushes}), answers=False)


def _pushes(made: Deliveries, at: object, pushed: Mapping[str, int]) -> Iterator[tuple[Any, ...]]:
    rank = RANKS[Priority(made.priority)]
    for other, seq in made.recipients:
        how = pushed.get(other)
        if how:
            made.pushed.append(other)
            yield other, rank if how == 1 else SAME_RANK, seq, made.message_id, at
