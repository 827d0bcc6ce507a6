"""One transaction for all lanes of a dispatcher that have something to do.

The order of locks is that of the writer: inboxes, lanes in the order of their ids, then the rest.
What is left in a lane is looked at after its row is locked, so that what comes in meanwhile is
either seen or makes the lane due again.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from hubbub.kit.crypto import Safe
from hubbub.kit.ids import new_id_text
from hubbub.kit.outbox import Event
from hubbub.messages.delivery.findings import ADVICE
from hubbub.messages.delivery.types import Failed, Pause, Retry
from hubbub.messages.dispatch import statements as sql
from hubbub.messages.dispatch.types import (
    Asked,
    Ended,
    LaneRow,
    PushRow,
    Recorded,
    Standing,
    Ticket,
    Turned,
    Work,
    moment,
    ticket_of,
)
from hubbub.messages.dispatch.verdicts import Verdict, judge, pause
from hubbub.messages.service.events import DeliveriesFailed, GatewayPaused
from hubbub.messages.types import AttemptOutcome, Finding, State
from hubbub.messages.writer.steps import Ask, Forms, Steps
from hubbub.settings import DeliverySettings

log = structlog.get_logger()

_UNREADABLE = "push_unreadable"
_SEE_LOG = "The hub can't read what is to be pushed. Its log says why."
_EXPIRING = timedelta(seconds=5)
_NEVER = datetime.max.replace(tzinfo=UTC)
_STATES: dict[str, State] = {
    AttemptOutcome.DELIVERED: State.DELIVERED,
    AttemptOutcome.FAILED: State.FAILED,
}


@dataclass(frozen=True, slots=True)
class Means:
    settings: DeliverySettings
    safe: Safe
    hub_url: str
    forms: Forms


def turn(
    means: Means,
    asked: Sequence[Asked],
    ended: Sequence[Ended],
    claims: int,
    *,
    ours: Collection[str] = (),
    closing: bool,
) -> Steps[Turned]:
    """Records what has ended, takes what comes next in the lanes that are asked about, and up to
    `claims` more lanes, none of them `ours`. When closing it takes nothing, and lets go of what
    comes to an end by that."""
    failing = {each.ticket.agent_id for each in ended if _may_fail(each, means.settings)}
    if failing and not means.forms.alone:
        yield Ask(sql.INBOXES, sorted(failing), answers=False)
    works = yield from _held(asked)
    # the fence of the lease under which it was posted, not of a later one of our own
    held = {(agent_id, work.fence) for agent_id, work in works.items()}
    heard = [each for each in ended if (each.ticket.agent_id, each.fence) in held]
    recorded, events = yield from _record(means, heard, works)
    if claims:
        yield from _claim(claims, works, ours)
    if not closing:
        yield from _take(means, works)
    yield from _put_back(means, works)
    paused = [each for each in works.values() if each.was_paused_now]
    events += [GatewayPaused(agent_id=UUID(each.row.agent_id)) for each in paused]
    acts = list(_acts(works.values(), means.forms))
    told = [(new_id_text(), each.topic, each.model_dump_json()) for each in events]
    for statement, rows in ((sql.ACTS, acts), (sql.EVENTS, told)):
        if rows:
            yield Ask(statement, rows, answers=False)
    claimed = sum(each.is_new for each in works.values())
    return Turned(
        works=list(works.values()),
        recorded=recorded,
        refused=len(ended) - len(heard),
        has_events=bool(events),
        more=claimed == claims > 0 or any(each.is_stale for each in works.values()),
    )


def _acts(works: Iterable[Work], forms: Forms) -> Iterator[tuple[Any, ...]]:
    """What the hub does by itself is written down like the acts of people."""
    for work in works:
        if work.was_paused_now:
            details = forms.json({"reason": work.standing.pause_reason})
            yield new_id_text(), "gateway.paused", work.row.agent_id, details
        elif work.was_resumed_now:
            yield new_id_text(), "gateway.resumed", work.row.agent_id, forms.json({})


def _may_fail(ended: Ended, settings: DeliverySettings) -> bool:
    is_last = ended.ticket.attempts >= len(settings.retry_schedule)
    return isinstance(ended.outcome, Failed) or (isinstance(ended.outcome, Retry) and is_last)


def _held(asked: Sequence[Asked]) -> Steps[dict[str, Work]]:
    if not asked:
        return {}
    ours = {each.agent_id: each for each in asked}
    rows = yield Ask(sql.HELD, [(each.agent_id, each.fence) for each in asked])
    works = {}
    for row in map(LaneRow._make, rows):
        known = ours[row.agent_id]
        works[row.agent_id] = Work(row, row.fence, known.flying, renews=known.renews)
    return works


def _claim(claims: int, works: dict[str, Work], ours: Collection[str]) -> Steps[None]:
    for row in map(LaneRow._make, (yield Ask(sql.FREE, [claims]))):
        # one whose lease has ended unseen is ours still, and what it has flying must not fly twice
        if row.agent_id not in works and row.agent_id not in ours:
            works[row.agent_id] = Work(row, row.fence + 1, is_new=True)


@dataclass(slots=True)
class _Record:
    """The rows that change with what has ended."""

    deliveries: list[tuple[Any, ...]] = field(default_factory=list)
    attempts: list[tuple[Any, ...]] = field(default_factory=list)
    over: list[tuple[Any, ...]] = field(default_factory=list)
    later: list[tuple[Any, ...]] = field(default_factory=list)
    failed: dict[str, list[str]] = field(default_factory=dict)
    recorded: list[Recorded] = field(default_factory=list)

    def add(self, ended: Ended, verdict: Verdict, state: str | None, forms: Forms) -> None:
        """`state`: how the delivery stands; it may have been acknowledged meanwhile, or be gone."""
        ticket = ended.ticket
        is_queued = state == State.QUEUED
        became = _STATES.get(verdict.word) if is_queued else None
        self.recorded.append(Recorded(ended, verdict.word, became))
        if is_queued and not verdict.is_final:
            due_at = forms.time(verdict.due_at)
            self.later.append((*ticket.key, verdict.attempts, due_at))
        else:
            self.over.append(ticket.key)
        if state is None:
            return
        if is_queued:
            state = str(became or State.QUEUED)
            if state == State.FAILED:
                ids = self.failed.setdefault(ticket.agent_id, [])
                ids.append(str(ticket.push.message_id))
        reason = verdict.reason if state == State.FAILED else None
        self.deliveries.append((ticket.agent_id, ticket.seq, state, reason))
        self.attempts.append(_attempt(ended, verdict, forms))


def _record(
    means: Means, ended: Sequence[Ended], works: Mapping[str, Work]
) -> Steps[tuple[list[Recorded], list[Event]]]:
    if not ended:
        return [], []
    asked = [(each.ticket.agent_id, each.ticket.seq) for each in ended]
    states = {(row[0], row[1]): row[2] for row in (yield Ask(sql.STATES, asked))}
    record = _Record()
    for each in ended:
        work = works[each.ticket.agent_id]
        verdict = _verdict(means, each, work)
        state = states.get((each.ticket.agent_id, each.ticket.seq))
        record.add(each, verdict, state, means.forms)
    closed = sorted((agent_id, len(ids)) for agent_id, ids in record.failed.items())
    for statement, rows in (
        (sql.DELIVERIES, record.deliveries),
        (sql.ATTEMPTS, record.attempts),
        (sql.ENDED, record.over),
        (sql.LATER, record.later),
        (sql.CLOSED, closed),
    ):
        if rows:
            yield Ask(statement, rows, answers=False)
    return record.recorded, [
        DeliveriesFailed(agent_id=UUID(agent_id), message_ids=[UUID(each) for each in ids])
        for agent_id, ids in record.failed.items()
    ]


def _verdict(means: Means, ended: Ended, work: Work) -> Verdict:
    outcome, ticket = ended.outcome, ended.ticket
    if isinstance(outcome, Retry | Pause) and _has_changed(means, work, ticket):
        # what the gateway before has said isn't held against the next
        return Verdict(AttemptOutcome.RETRY, outcome.reason, ticket.attempts, work.now)
    return judge(ended, work.standing, work.now, means.settings)


def _has_changed(means: Means, work: Work, since: Ticket) -> bool:
    return work.row.has_gateway and work.row.target(means.safe) != since.push.target


def _attempt(ended: Ended, verdict: Verdict, forms: Forms) -> tuple[Any, ...]:
    push, at = ended.ticket.push, forms.time(ended.ticket.push.attempted_at)
    return (
        *(new_id_text(), str(push.message_id), str(push.recipient.id), push.attempt),
        *(at, ended.ms, ended.status, str(verdict.word), verdict.reason, ended.excerpt),
    )


def _take(means: Means, works: Mapping[str, Work]) -> Steps[None]:
    gone = [each.row.agent_id for each in works.values() if not each.row.has_gateway]
    if gone:
        yield Ask(sql.ALL_OF, gone, answers=False)
    asked = []
    for work in works.values():
        wanted = _wanted(means, work)
        if wanted > 0:
            is_probe = work.standing.paused_at is not None
            most = wanted + len(work.flying)
            asked.append((work.row.agent_id, most, work.row.in_order or is_probe, is_probe))
            work.was_asked = not is_probe
    found = _Found()
    for row in (yield from _next(asked, means.forms)):
        _look_at(means, works[row.agent_id], row, found)
    stale = [(agent_id, *place) for agent_id, place in sorted(found.stale.items())]
    # SQLite has no LATERAL: one lane at a time
    parts = [[each] for each in stale] if means.forms.alone else [stale]
    for statement, rows in (
        *((sql.STALE, part) for part in parts),
        (sql.BEGUN, found.begun),
        (sql.LATER, found.expired),
    ):
        if rows:
            yield Ask(statement, rows, answers=False)


@dataclass(slots=True)
class _Found:
    """What comes of the rows that came next."""

    stale: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Where in a lane the first one is that nobody has to be pushed any more."""
    begun: list[tuple[Any, ...]] = field(default_factory=list)
    expired: list[tuple[Any, ...]] = field(default_factory=list)


def _look_at(means: Means, work: Work, row: PushRow, found: _Found) -> None:
    work.was_seen = True
    if row.seq in work.flying:
        return
    if row.is_stale:
        work.is_stale = True
        place = row.rank, row.seq
        found.stale[row.agent_id] = min(place, found.stale.get(row.agent_id, place))
    elif (moment(row.expires_at) or _NEVER) <= work.now:
        # not ours to end; until that has happened the lane needn't look again and again
        due_at = means.forms.time(work.now + _EXPIRING)
        tries = max(row.attempts, 1)  # what was never tried counts as due
        found.expired.append((row.agent_id, row.rank, row.seq, tries, due_at))
    elif len(work.taken) < _wanted(means, work):
        ticket = _ticket(means, work, row)
        if ticket is not None:
            work.taken.append(ticket)
            found.begun += [ticket.key] if ticket.push.target.is_told_once else []


def _ticket(means: Means, work: Work, row: PushRow) -> Ticket | None:
    assert work.target is not None  # noqa: S101 - or nothing would be wanted
    try:
        return ticket_of(row, work.row, work.target, work.now, means.hub_url)
    except (ValueError, AssertionError):
        # a row that nobody can read keeps its own lane, and no other
        log.exception("push.unreadable", message_id=row.message_id)
        pause(work.standing, _UNREADABLE, _SEE_LOG, work.now, means.settings)
        return None


def _wanted(means: Means, work: Work) -> int:
    """How many more pushes may begin in a lane."""
    standing = work.standing
    if not work.row.has_gateway or (standing.held_until or work.now) > work.now:
        return 0
    if work.target is None:
        work.target = work.row.target(means.safe)
    if work.target is None:
        unreadable = Finding.TOKEN_UNREADABLE
        pause(standing, unreadable, ADVICE[unreadable], work.now, means.settings)
        return 0
    one_by_one = work.row.in_order or standing.failures > 0 or standing.paused_at is not None
    return (1 if one_by_one else work.row.max_in_flight) - len(work.flying)


def _next(asked: Sequence[tuple[str, int, bool, bool]], forms: Forms) -> Steps[list[PushRow]]:
    found: list[Any] = []
    if forms.alone:
        for each in asked:
            # a list of its own: the statement takes one lane apart
            found += yield Ask(sql.NEXT, [each])
    elif asked:
        found = yield Ask(sql.NEXT, asked)
    return [PushRow._make(row) for row in found]


def _put_back(means: Means, works: Mapping[str, Work]) -> Steps[None]:
    """Keeps the lanes in which something goes on, and lets go of the others."""
    time = means.forms.time
    idle = [each for each in works.values() if not each.is_kept]
    if idle:
        asked = [(each.row.agent_id, _how_due(each)) for each in idle]
        for agent_id, due_at in (yield Ask(sql.NEXT_DUE, asked)):
            works[agent_id].due_at = _due(works[agent_id], due_at)
    rows = []
    for work in works.values():
        lease = None
        if work.is_kept:
            if not (work.is_new or work.renews or work.standing != work.before):
                continue
            lease = work.due_at = work.now + timedelta(seconds=means.settings.lease_seconds)
        if not work.row.has_gateway:
            work.standing = Standing()
        standing = work.standing
        rows.append(
            (
                *(work.row.agent_id, work.fence, time(work.due_at), time(standing.held_until)),
                *(time(lease), standing.failures, time(standing.failing_since)),
                *(time(standing.paused_at), standing.pause_reason, standing.pause_advice),
                standing.probes,
            )
        )
    if rows:
        yield Ask(sql.LANES, rows, answers=False)


def _how_due(work: Work) -> str:
    if work.row.in_order:
        return "head"
    # nothing in it was due a moment ago: what comes in now makes it due by itself
    return "waiting" if work.was_asked and not work.was_seen else "any"


def _due(work: Work, next_due: Any) -> Any:  # noqa: ANN401
    due_at, held_until = moment(next_due), work.standing.held_until
    if due_at is None:
        return None
    if work.standing.paused_at is not None:
        return held_until
    return max(due_at, held_until or due_at)
