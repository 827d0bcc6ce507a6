"""What one batch does, step by step, as a generator of statements.

It yields what it wants to know or to store and is sent the rows; whoever drives it owns the
transaction. The order is the same for every batch on every process: keys, then those who are
addressed, then the numbers, then the rows.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from hubbub.agents.policy import may_send
from hubbub.agents.types import Kind, Party
from hubbub.kit.errors import AppError
from hubbub.messages.errors import (
    HopLimit,
    InboxFull,
    KeyReused,
    NobodyAddressed,
    RecipientNotFound,
    RecipientRefuses,
    ReplyNotFound,
    WriterBusy,
)
from hubbub.messages.writer import statements as sql
from hubbub.messages.writer.draft import Draft, Outcome, Replayed, Stored
from hubbub.messages.writer.statements import Sql
from hubbub.messages.writer.unindexed import unindexed


class Ask(NamedTuple):
    """One statement with its rows. `answers`: whether rows come back."""

    sql: Sql
    rows: Sequence[Any]
    answers: bool = True


class Forms(Protocol):
    """How values are written for the database at hand."""

    def time(self, at: datetime | None) -> Any: ...  # noqa: ANN401

    def json(self, content: object) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Limits:
    hops: int
    open_per_inbox: int


type Steps[T] = Generator[Ask, list[Any], T]


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
    stored = yield from _check(batch, now, limits)
    refused = [
        (d.sender_id, d.key) for d in keyed if isinstance(batch.outcomes.get(d.id), AppError)
    ]
    if refused:
        yield Ask(sql.DROP_KEYS, refused, answers=False)
    yield from _number(stored)
    yield from _insert(stored, at, forms)
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


def _check(batch: _Batch, now: datetime, limits: Limits) -> Steps[list[Stored]]:
    people = yield from _look_up(batch)
    threads = yield from _look_up_replies(batch)
    resolved: dict[str, list[str]] = {}
    for draft in tuple(batch.drafts):
        try:
            resolved[draft.id] = _recipients(draft, people, limits)
        except AppError as error:
            batch.refuse(draft, error)
    blocked, contacts = yield from _look_up_standing(batch, people, resolved)
    stored = []
    for draft in tuple(batch.drafts):
        sender = people.by_id[draft.sender_id]
        try:
            for other in resolved[draft.id]:
                _check_policy(sender, people.by_id[other], blocked, contacts)
            thread_id, hops = _thread(draft, sender, threads, limits)
        except AppError as error:
            batch.refuse(draft, error)
            continue
        made = Stored(draft, sender.handle, thread_id, hops, now)
        made.recipients = [(other, 0) for other in resolved[draft.id]]
        stored.append(made)
    return stored


@dataclass(slots=True)
class _People:
    by_id: dict[str, Party] = field(default_factory=dict)
    by_handle: dict[str, Party] = field(default_factory=dict)
    open: dict[str, int] = field(default_factory=dict)

    def add(self, rows: list[Any]) -> None:
        for agent_id, handle, kind, owner_id, accepts, waiting in rows:
            party = Party(agent_id, handle, kind, owner_id, accepts, deleted=False)
            self.by_id[agent_id] = self.by_handle[handle] = party
            self.open[agent_id] = waiting or 0


def _look_up(batch: _Batch) -> Steps[_People]:
    ids = {each for draft in batch.drafts for each in (draft.sender_id, *draft.to_ids)}
    handles = {handle for draft in batch.drafts for handle in draft.to_handles}
    people = _People()
    if ids:
        people.add((yield Ask(sql.AGENTS_BY_ID, list(ids))))
    if handles:
        people.add((yield Ask(sql.AGENTS_BY_HANDLE, list(handles))))
    return people


def _recipients(draft: Draft, people: _People, limits: Limits) -> list[str]:
    """Each once, in the order of their ids, and never the sender."""
    if draft.sender_id not in people.by_id:
        raise RecipientRefuses("The sender has been deleted.")
    missing = [each for each in draft.to_ids if each not in people.by_id]
    unknown = [each for each in draft.to_handles if each not in people.by_handle]
    if missing or unknown:
        raise RecipientNotFound(unknown=unknown)
    # Party says UUID of what is text here
    named = {str(people.by_handle[handle].id) for handle in draft.to_handles}
    recipients = sorted({*draft.to_ids, *named} - {draft.sender_id})
    if not recipients:
        raise NobodyAddressed
    if any(people.open[other] >= limits.open_per_inbox for other in recipients):
        raise InboxFull(retry_after=60)
    return recipients


def _look_up_standing(
    batch: _Batch, people: _People, resolved: dict[str, list[str]]
) -> Steps[tuple[set[tuple[str, str]], set[tuple[str, str]]]]:
    pairs = {(other, d.sender_id) for d in batch.drafts for other in resolved[d.id]}
    if not pairs:
        return set(), set()
    blocked = {tuple(row) for row in (yield Ask(sql.BLOCKS, list(pairs)))}
    closed = [pair for pair in pairs if people.by_id[pair[0]].accepts == "contacts"]
    if not closed:
        return blocked, set()
    return blocked, {tuple(row) for row in (yield Ask(sql.CONTACTS, closed))}


def _check_policy(
    sender: Party,
    recipient: Party,
    blocked: set[tuple[str, str]],
    contacts: set[tuple[str, str]],
) -> None:
    pair = (str(recipient.id), str(sender.id))
    reason = may_send(sender, recipient, is_contact=pair in contacts, is_blocked=pair in blocked)
    if reason is not None:
        # a block isn't told apart from a policy: who is blocked needn't know
        raise RecipientRefuses(recipient=recipient.handle)


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


def _number(stored: list[Stored]) -> Steps[None]:
    """Gives each delivery the next number of its inbox; the rows stay locked until the commit, so
    numbers and commits have the same order."""
    counts: dict[str, int] = {}
    for each in stored:
        for other, _ in each.recipients:
            counts[other] = counts.get(other, 0) + 1
    if not counts:
        return
    rows = yield Ask(sql.ADVANCE, sorted(counts.items()))
    following = {row[0]: row[1] - counts[row[0]] for row in rows}
    for each in stored:
        numbered = []
        for other, _ in each.recipients:
            following[other] += 1
            numbered.append((other, following[other]))
        each.recipients = numbered


def _insert(stored: list[Stored], at: object, forms: Forms) -> Steps[None]:
    if not stored:
        return
    messages, deliveries = [], []
    for each in stored:
        d = each.draft
        expires, ack_by = forms.time(d.expires_at), forms.time(d.ack_by)
        messages.append(
            (
                *(d.id, d.sender_id, each.thread_id, d.reply_to, forms.json(d.addressed)),
                *(d.content, d.content_type, forms.json(d.metadata), d.priority, each.hops),
                *(at, expires, ack_by),
            )
        )
        deliveries += [
            (other, seq, d.id, d.sender_id, at, expires, ack_by) for other, seq in each.recipients
        ]
    yield Ask(sql.MESSAGES, messages, answers=False)
    yield Ask(sql.DELIVERIES, deliveries, answers=False)
    yield Ask(sql.UNINDEXED, unindexed(stored, forms), answers=False)
