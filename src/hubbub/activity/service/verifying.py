"""Finding out whether what was written down is still what was written down.

Each link holds the hash of the one before it, so a row that was changed doesn't fit itself any
more, and one that is gone or elsewhere leaves two that don't fit each other. Whoever may write to
the database can make all of it anew from some row on; what shows that is a head that was noted
outside of it.
"""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from hubbub.activity import queries
from hubbub.activity.models import Activity, ActivityHead
from hubbub.activity.queries import Place
from hubbub.activity.service.chain import BEGINNING, link
from hubbub.kit.db.database import Database

_PAGE = 500
MOST_NAMED = 1000
"""Findings that are named one by one: of a record that was replaced, each row would be one."""
_UNREADABLE = (ValueError, TypeError)
"""What comes of a row in SQLite that holds no time, no id or no JSON where there should be one."""
_HEAD = re.compile(r"(?:([1-9][0-9]{0,18}):)?([0-9a-f]{64})")


class Tampering(StrEnum):
    CHANGED = "changed"
    REMOVED = "removed"
    REORDERED = "reordered"
    BROKEN = "broken"
    CUT_OFF = "cut off"
    REWRITTEN = "rewritten"


class Finding(NamedTuple):
    what: Tampering
    where: str

    def __str__(self) -> str:
        return f"{self.what}: {self.where}"


@dataclass(slots=True)
class Report:
    number: int = 0
    hash: str = BEGINNING
    unsealed: int = 0
    findings: list[Finding] = field(default_factory=list)
    more: int = 0
    """Further findings, which are not named."""

    def add(self, what: Tampering, where: str) -> None:
        if len(self.findings) < MOST_NAMED:
            self.findings.append(Finding(what, where))
        else:
            self.more += 1


class Noted(NamedTuple):
    """A head as it was published once; of an old log perhaps the hash alone."""

    number: int | None
    hash: str


def read_head(text: str) -> Noted | None:
    found = _HEAD.fullmatch(text.strip().lower())
    return found and Noted(int(found[1]) if found[1] else None, found[2])


class _Link(NamedTuple):
    number: int
    id: UUID | None
    action: str
    previous: str
    hash: str

    def __str__(self) -> str:
        return f"number {self.number} ({self.action}{f', {self.id}' if self.id else ''})"


async def verify(database: Database, noted: Noted | None = None) -> Report:
    """Goes through the whole chain, a page at a time, beside a hub that goes on sealing."""
    async with database.read() as session:
        before = await queries.standing(session)
    report, breaks = Report(), list[tuple[_Link | None, _Link]]()
    last: _Link | None = None
    spoilt: set[int] = set()
    seen: int | None = None
    async for act in _sealed(database):
        each = _link_of(act)
        if each.number < 1:
            report.add(Tampering.BROKEN, f"{each} stands before the beginning: it was never sealed")
            continue
        if not _fits_itself(act):
            report.add(Tampering.CHANGED, str(each))
            spoilt.add(each.number)
        expected = last.number + 1 if last else 1
        if each.number > expected:
            report.add(Tampering.REMOVED, _numbers(expected, each.number - 1))
        elif each.previous != (last.hash if last else BEGINNING):
            _keep(breaks, report, last, each)
        if noted is not None and noted.hash == each.hash:
            seen = each.number
        last = each
    async with database.read() as session:
        after = await queries.standing(session)
    breaks = [pair for pair in breaks if not {each.number for each in pair if each} & spoilt]
    for what, where in await _explained(database, breaks):
        report.add(what, where)
    if last is not None:
        report.number, report.hash = last.number, last.hash
    report.unsealed = after.unsealed
    _check_end(report, before.head, after.head)
    if noted is not None:
        _check_noted(report, noted, seen)
    return report


def _keep(
    breaks: list[tuple[_Link | None, _Link]], report: Report, last: _Link | None, each: _Link
) -> None:
    if len(breaks) < MOST_NAMED:
        breaks.append((last, each))
    else:
        report.more += 1


async def _sealed(database: Database) -> AsyncIterator[Activity | Place]:
    number: int | None = None
    while True:
        page = await _page_after(database, number)
        for each in page:
            yield each
        if len(page) < _PAGE:
            return
        number = page[-1].number


async def _page_after(database: Database, number: int | None) -> Sequence[Activity | Place]:
    # a session for each page: a long one would keep SQLite's log from being emptied
    try:
        async with database.read() as session:
            return await queries.sealed_after(session, number, _PAGE)
    except _UNREADABLE:
        async with database.read() as session:
            places = await queries.places_after(session, number, _PAGE)
        return [await _act_at(database, place) for place in places]


async def _act_at(database: Database, place: Place) -> Activity | Place:
    try:
        async with database.read() as session:
            return await queries.sealed_at(session, place.number) or place
    except _UNREADABLE:
        return place


def _fits_itself(act: Activity | Place) -> bool:
    try:
        return isinstance(act, Activity) and act.hash == link(act.previous or "", act)
    except _UNREADABLE:
        return False


def _link_of(act: Activity | Place) -> _Link:
    number, previous, digest = act.number or 0, act.previous or "", act.hash or ""
    if isinstance(act, Activity):
        return _Link(number, act.id, act.action, previous, digest)
    return _Link(number, None, "it can't be read", previous, digest)


def _numbers(first: int, last: int) -> str:
    return f"number {first}" if first == last else f"numbers {first} to {last}"


async def _explained(
    database: Database, breaks: Sequence[tuple[_Link | None, _Link]]
) -> list[Finding]:
    """A row that fits neither the one before it nor the one behind it, but another one, is where
    it doesn't belong. What is left is named by both sides."""
    if not breaks:
        return []
    begins = {each.number for _, each in breaks}
    async with database.read() as session:
        known = await queries.with_hash(session, [each.previous for _, each in breaks])
        end = await queries.sealed_after(session, max(begins), 1)
    found, moved = [], set[int]()
    for _, each in breaks:
        follows = known.get(each.previous)
        is_last = not end and each.number == max(begins)
        belongs = follows is not None or each.previous == BEGINNING
        if belongs and (each.number + 1 in begins or is_last):
            moved.add(each.number)
            place = f"behind {_link_of(follows)}" if follows is not None else "first"
            found.append(Finding(Tampering.REORDERED, f"{each}, which was written {place}"))
    for previous, each in breaks:
        if each.number in moved or (previous is not None and previous.number in moved):
            continue
        behind = str(previous) if previous is not None else "the beginning"
        found.append(
            Finding(
                Tampering.BROKEN,
                f"{each} doesn't follow {behind}: one of them was replaced, or what was between"
                " them removed",
            )
        )
    return found


def _check_end(report: Report, before: ActivityHead | None, after: ActivityHead | None) -> None:
    """The head is a row of the same database: it shows a cut by somebody who forgot it."""
    if before is not None and report.number < before.number:
        report.add(Tampering.CUT_OFF, _numbers(report.number + 1, before.number))
    elif after is None and report.number:
        report.add(Tampering.REMOVED, "the head of the chain")
    elif after is not None and report.number > after.number:
        report.add(
            Tampering.BROKEN,
            f"{_numbers(after.number + 1, report.number)}, behind the head of the chain",
        )
    elif after is not None and report.number == after.number and report.hash != after.hash:
        report.add(Tampering.BROKEN, f"number {report.number} isn't the head of the chain")


def _check_noted(report: Report, noted: Noted, seen: int | None) -> None:
    if seen is not None and noted.number in {None, seen}:
        return
    if noted.number is not None and noted.number > report.number:
        report.add(
            Tampering.CUT_OFF,
            f"{_numbers(report.number + 1, noted.number)}, which that head was of",
        )
    elif noted.number is not None:
        report.add(Tampering.REWRITTEN, f"number {noted.number} isn't what that head was of")
    else:
        report.add(
            Tampering.CUT_OFF,
            "the link that this head was of: the end was taken away, or all written anew",
        )
