"""Bringing together what is in a report: one question after the other, each with its own session,
so that none holds a snapshot of a busy hub for long."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from hubbub.kit.db.database import Database
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.reports.queries import activity, delivery, work
from hubbub.reports.queries.scope import Scope
from hubbub.reports.types import Subject

type _Ask = Callable[[AsyncReadSession, Scope], Awaitable[dict[str, Any]]]


class Part(NamedTuple):
    about: str
    ask: _Ask


PARTS: Mapping[Subject, Sequence[Part]] = {
    Subject.ACTIVITY: (
        Part("the sums", activity.totals),
        Part("the days", activity.days),
        Part("agents", activity.agents),
        Part("who talks with whom", activity.pairs),
        Part("threads", activity.threads),
        Part("rooms", activity.rooms),
    ),
    Subject.DELIVERY: (
        Part("the sums", delivery.states),
        Part("the days", delivery.days),
        Part("how soon it was delivered", delivery.until_delivered),
        Part("how soon it was acknowledged", delivery.until_acked),
        Part("how often it was pushed", delivery.tries),
        Part("why it failed", delivery.reasons),
        Part("gateways", delivery.gateways),
    ),
    Subject.WORK: (
        Part("the sums", work.sums),
        Part("the days", work.days),
        Part("how long it took", work.times),
        Part("who has done it", work.assignees),
    ),
}


async def gather(
    database: Database, kind: Subject, scope: Scope, tell: Callable[[int, str], None]
) -> dict[str, Any]:
    """`tell` is called with how much of it is done, in hundredths, and what comes next."""
    found: dict[str, Any] = {}
    parts = PARTS[kind]
    for number, part in enumerate(parts):
        tell(number * 100 // len(parts), part.about)
        async with database.read() as session:
            found |= await part.ask(session, scope)
    return found
