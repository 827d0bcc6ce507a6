"""What arrived, and how soon."""

from typing import Any

from sqlalchemy import ColumnElement, Subquery, case, func, literal, select

from hubbub.agents.models import Agent
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.kit.db.statistics import day_of, seconds_between, spread
from hubbub.messages.models import Attempt
from hubbub.messages.types import ARRIVED, AttemptOutcome, State
from hubbub.reports.queries.days import filled
from hubbub.reports.queries.scope import Scope

POINTS = (0.5, 0.9, 0.99)
_WORST = 10
_LOST = (State.FAILED, State.EXPIRED)


async def states(session: AsyncReadSession, scope: Scope) -> dict[str, Any]:
    each = scope.deliveries()
    statement = select(each.c.state, func.count()).group_by(each.c.state)
    found = {row[0]: row[1] for row in await session.execute(statement)}
    arrived = sum(found.get(state, 0) for state in ARRIVED)
    ended = arrived + sum(found.get(state, 0) for state in _LOST)
    return {
        "total": sum(found.values()),
        "states": {state: found.get(state, 0) for state in State},
        "success_rate": arrived / ended if ended else None,
    }


async def days(session: AsyncReadSession, scope: Scope) -> dict[str, Any]:
    each = scope.deliveries()
    day = day_of(each.c.created_at).label("day")
    kind = case(
        (each.c.state.in_(ARRIVED), literal("arrived")),
        (each.c.state.in_(_LOST), literal("failed")),
        else_=literal("others"),
    ).label("kind")
    counted = select(kind, day, func.count()).group_by(kind, day)
    return {"days": filled(scope, (await session.execute(counted)).all())}


async def until_delivered(session: AsyncReadSession, scope: Scope) -> dict[str, Any]:
    each = scope.deliveries()
    return {"until_delivered": await _took(session, each, each.c.delivered_at)}


async def until_acked(session: AsyncReadSession, scope: Scope) -> dict[str, Any]:
    each = scope.deliveries()
    return {"until_acked": await _took(session, each, each.c.acked_at)}


async def _took(
    session: AsyncReadSession, each: Subquery, end: ColumnElement[Any]
) -> dict[str, Any]:
    took = select(seconds_between(each.c.created_at, end)).where(end.is_not(None))
    found = await spread(session, took, POINTS)
    return dict(zip(("count", "p50", "p90", "p99"), (found.many, *found.points), strict=True))


async def tries(session: AsyncReadSession, scope: Scope) -> dict[str, Any]:
    each = scope.deliveries()
    statement = (
        select(each.c.attempts.label("pushes"), func.count().label("deliveries"))
        .group_by(each.c.attempts)
        .order_by(each.c.attempts)
    )
    return {"tries": (await session.execute(statement)).mappings().all()}


async def reasons(session: AsyncReadSession, scope: Scope) -> dict[str, Any]:
    each = scope.deliveries()
    many = func.count()
    statement = (
        select(func.coalesce(each.c.reason, "unknown").label("reason"), many.label("deliveries"))
        .where(each.c.state == State.FAILED)
        .group_by(each.c.reason)
        .order_by(many.desc(), each.c.reason)
        .limit(_WORST)
    )
    return {"reasons": (await session.execute(statement)).mappings().all()}


async def gateways(session: AsyncReadSession, scope: Scope) -> dict[str, Any]:
    failed = func.sum(case((Attempt.outcome == AttemptOutcome.DELIVERED, 0), else_=1))
    each = (
        select(
            Attempt.recipient_id,
            func.count().label("pushes"),
            failed.label("failed"),
        )
        .where(scope.attempts())
        .group_by(Attempt.recipient_id)
        .having(failed > 0)
        .order_by(failed.desc(), Attempt.recipient_id)
        .limit(_WORST)
        .subquery()
    )
    statement = (
        select(
            Agent.handle.label("agent"),
            Agent.gateway_kind.label("gateway"),
            each.c.pushes,
            each.c.failed,
        )
        .join(each, each.c.recipient_id == Agent.id)
        .order_by(each.c.failed.desc(), Agent.handle)
    )
    return {"gateways": (await session.execute(statement)).mappings().all()}
