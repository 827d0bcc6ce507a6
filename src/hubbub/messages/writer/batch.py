"""One batch: many messages of many senders, stored together."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hubbub.agents.types import Kind, Party
from hubbub.files.errors import FileNotFound
from hubbub.kit.errors import AppError
from hubbub.kit.idempotency import KeyReused
from hubbub.messages.errors import HopLimit, RecipientRefuses, ReplyNotFound, WriterBusy
from hubbub.messages.writer import statements as sql
from hubbub.messages.writer.audience import (
    People,
    Rooms,
    Standing,
    addressed,
    look_up,
    look_up_rooms,
    look_up_standing,
    room_of,
)
from hubbub.messages.writer.draft import Draft, Outcome, Replayed, Stored
from hubbub.messages.writer.files import insert_attachments, lacking_files
from hubbub.messages.writer.mentions import Said, mention
from hubbub.messages.writer.rows import insert_deliveries, insert_messages, number
from hubbub.messages.writer.steps import Ask, Forms, Limits, Steps

type _Threads = dict[tuple[str, str], tuple[str, int]]
"""Thread and hops of what is replied to, by message and sender."""


@dataclass(slots=True)
class _Batch:
    """The drafts that are still alive, and what has become of the others."""

    drafts: list[Draft]
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def refuse(self, draft: Draft, error: AppError) -> None:
        self.outcomes[draft.id] = error
        self.drafts.remove(draft)


def store(
    drafts: Sequence[Draft], now: datetime, forms: Forms, limits: Limits
) -> Steps[list[Outcome]]:
    """Stores what can be stored; returns one outcome for each draft, in their order."""
    batch = _Batch(list(drafts))
    at = forms.time(now)
    yield from _take_keys(batch, at)
    keyed = [draft for draft in batch.drafts if draft.key is not None]
    has_files = any(draft.files for draft in batch.drafts)
    if has_files:
        for draft in (yield from lacking_files(batch.drafts)):
            batch.refuse(draft, FileNotFound())
    people = yield from look_up(batch.drafts)
    rooms = yield from look_up_rooms(batch.drafts, people)
    threads = yield from _look_up_replies(batch)
    named = _addressed(batch, people, limits)
    pairs = {(other, draft.sender_id) for draft in batch.drafts for other in named[draft.id]}
    standing = yield from look_up_standing(pairs, people)
    known = _Known(people, rooms, standing, threads, limits, forms, now)
    stored = _accepted(batch, named, known)
    refused = [
        (d.sender_id, d.key) for d in keyed if isinstance(batch.outcomes.get(d.id), AppError)
    ]
    if refused:
        yield Ask(sql.DROP_KEYS, refused, answers=False)
    at_once = [each for each in stored if not each.draft.is_delivered_later]
    yield from number(at_once, people, forms)
    yield from insert_messages(stored, at, forms)
    if has_files:
        yield from insert_attachments(stored)
    yield from insert_deliveries(at_once, at, people)
    yield from mention(_naming(at_once), forms)
    for each in stored:
        batch.outcomes[each.draft.id] = each
    _follow_twins(batch, drafts)
    return [batch.outcomes[draft.id] for draft in drafts]


def _take_keys(batch: _Batch, at: object) -> Steps[None]:
    """Of all who ever came with one key, one gets on. A twin in this very batch waits for it."""
    keyed = [draft for draft in batch.drafts if draft.key is not None]
    if not keyed:
        return
    keyed.sort(key=lambda draft: (draft.sender_id, draft.key))
    rows = [(d.sender_id, d.key, d.body_hash, d.id, at) for d in keyed]
    yield Ask(sql.TAKE_KEYS, rows, answers=False)
    found = yield Ask(sql.FIND_KEYS, [(draft.sender_id, draft.key) for draft in keyed])
    holders = {(row[0], row[1]): (row[2], row[3]) for row in found}
    for draft in keyed:
        body_hash, message_id = holders.get((draft.sender_id, draft.key), (None, ""))
        if message_id == draft.id:
            continue
        if body_hash is None:
            batch.refuse(draft, WriterBusy())  # it was there, and has just been pruned
        elif body_hash != draft.body_hash:
            batch.refuse(draft, KeyReused())
        else:
            batch.outcomes[draft.id] = Replayed(message_id)
            batch.drafts.remove(draft)


def _follow_twins(batch: _Batch, drafts: Sequence[Draft]) -> None:
    """Whose key was taken by a draft that was then refused is refused with it."""
    for draft in drafts:
        outcome = batch.outcomes[draft.id]
        if isinstance(outcome, Replayed):
            first = batch.outcomes.get(outcome.message_id)
            if isinstance(first, AppError):
                batch.outcomes[draft.id] = first


def _addressed(batch: _Batch, people: People, limits: Limits) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {}
    for draft in tuple(batch.drafts):
        try:
            named[draft.id] = addressed(draft, people, limits)
        except AppError as error:
            batch.refuse(draft, error)
    return named


@dataclass(slots=True)
class _Known:
    people: People
    rooms: Rooms
    standing: Standing
    threads: _Threads
    limits: Limits
    forms: Forms
    now: datetime


def _accepted(batch: _Batch, named: dict[str, list[str]], known: _Known) -> list[Stored]:
    stored = []
    for draft in tuple(batch.drafts):
        try:
            stored.append(_accept(draft, named[draft.id], known))
        except AppError as error:
            batch.refuse(draft, error)
    return stored


def _accept(draft: Draft, named: list[str], known: _Known) -> Stored:
    sender = known.people.by_id[draft.sender_id]
    for other in named:
        recipient = known.people.by_id[other]
        if known.standing.refuses(sender, recipient):
            # a block isn't told apart from a policy: who is blocked needn't know
            raise RecipientRefuses(recipient=recipient.handle)
    room = room_of(draft, known.rooms)
    thread_id, hops = _thread(draft, sender, known.threads, known.limits)
    if room is not None and not draft.is_delivered_later:
        present = known.rooms.members.get(room.id, ())
        named = sorted({*named, *present} - {draft.sender_id})
    return Stored(
        message_id=draft.id,
        sender_id=draft.sender_id,
        expires_at=known.forms.time(draft.expires_at),
        ack_by=known.forms.time(draft.ack_by),
        recipients=[(other, 0) for other in named],
        room_id=room.id if room is not None else None,
        room_seq=0,
        priority=draft.priority,
        draft=draft,
        sender_handle=sender.handle,
        thread_id=thread_id,
        hops=hops,
        created_at=known.now,
    )


def _naming(stored: Sequence[Stored]) -> list[Said]:
    return [
        Said(each.message_id, each.room_id, each.sender_id, each.draft.names)
        for each in stored
        if each.draft.names and each.room_id is not None
    ]


def _look_up_replies(batch: _Batch) -> Steps[dict[tuple[str, str], tuple[str, int]]]:
    asked = {(d.reply_to, d.sender_id) for d in batch.drafts if d.reply_to is not None}
    if not asked:
        return {}
    rows = yield Ask(sql.REPLIES, list(asked))
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


def _thread(
    draft: Draft, sender: Party, threads: dict[tuple[str, str], tuple[str, int]], limits: Limits
) -> tuple[str, int]:
    if draft.reply_to is None:
        return draft.id, 0
    found = threads.get((draft.reply_to, draft.sender_id))
    if found is None:
        raise ReplyNotFound
    thread_id, hops = found
    if sender.kind == Kind.PERSON:
        return thread_id, 0
    if hops >= limits.hops:
        raise HopLimit(f"At most {limits.hops} answers between agents alone.")
    return thread_id, hops + 1
