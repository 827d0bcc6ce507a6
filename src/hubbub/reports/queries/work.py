"""Items made and done, and how long they took."""

from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, literal, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from hubbub.agents.models import Agent
from hubbub.items.models import Item
from hubbub.items.types import FINISHED, Status
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.kit.db.statistics import day_of, seconds_between, spread
from hubbub.reports.queries.days import filled
from hubbub.reports.queries.delivery import POINTS
from hubbub.reports.queries.scope import Scope

_TOP = 15

type _Time = InstrumentedAttribute[Any]


def _within(scope: Scope, at: _Time) -> ColumnElement[bool]:
    return and_(at >= scope.since, at < scope.until)


async def sums(session: AsyncReadSession, scope: Scope) -> dict[str, Any]:
    made = select(func.count(), func.count(case((Item.status.not_in(FINISHED), 1)))).where(
        scope.items(), _within(scope, Item.created_at)
    )
    created, unfinished = (await session.execute(made)).one()
    ended = (
        select(Item.status, func.count())
        .where(scope.items(), Item.status.in_(FINISHED), _within(scope, Item.finished_at))
        .group_by(Item.status)
    )
    found = {row[0]: row[1] for row in await session.execute(ended)}
    return {
        "created": created,
        "unfinished": unfinished,
        "finished": {status: found.get(status, 0) for status in FINISHED},
    }


async def days(session: AsyncReadSession, scope: Scope) -> dict[str, Any]:
    counted: list[Row[*tuple[Any, ...]]] = []
    for name, at, which in (
        ("created", Item.created_at, Item.id.is_not(None)),
        ("done", Item.finished_at, Item.status == Status.DONE),
        ("failed", Item.finished_at, Item.status == Status.FAILED),
    ):
        day = day_of(at).label("day")
        statement = (
            select(literal(name), day, func.count())
            .where(scope.items(), which, _within(scope, at))
            .group_by(day)
        )
        counted += (await session.execute(statement)).all()
    return {"days": filled(scope, counted)}


async def times(session: AsyncReadSession, scope: Scope) -> dict[str, Any]:
    return {
        "until_claimed": await _took(session, scope, Item.created_at, Item.claimed_at),
        "from_claim_to_done": await _took(session, scope, Item.claimed_at, Item.finished_at),
        "until_done": await _took(session, scope, Item.created_at, Item.finished_at),
    }


async def _took(
    session: AsyncReadSession, scope: Scope, start: _Time, end: _Time
) -> dict[str, Any]:
    took: Select[Any] = select(seconds_between(start, end)).where(
        scope.items(),
        Item.status == Status.DONE,
        _within(scope, Item.finished_at),
        start.is_not(None),
        end.is_not(None),
    )
    found = await spread(session, took, POINTS)
    return dict(zip(("count", "p50", "p90", "p99"), (found.many, *found.points), strict=True))


async def assignees(session: AsyncReadSession, scope: Scope) -> dict[str, Any]:
    """By who has done it, or holds it; or else by whom it is meant for."""
    whose = func.coalesce(Item.holder_id, Item.assignee_id)
    counts = {
        "done": func.count(case((Item.status == Status.DONE, 1))),
        "failed": func.count(case((Item.status == Status.FAILED, 1))),
        "unfinished": func.count(case((Item.status.not_in(FINISHED), 1))),
    }
    statement = (
        select(Agent.handle.label("agent"), *(each.label(name) for name, each in counts.items()))
        .join(Item, whose == Agent.id)
        .where(
            scope.items(),
            or_(
                _within(scope, Item.finished_at),
                and_(Item.status.not_in(FINISHED), Item.created_at < scope.until),
            ),
        )
        .group_by(Agent.id, Agent.handle)
        .order_by(counts["done"].desc(), counts["unfinished"].desc(), Agent.handle)
        .limit(_TOP)
    )
    return {"assignees": (await session.execute(statement)).mappings().all()}
