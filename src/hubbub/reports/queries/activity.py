"""Who talks with whom, and how much."""

from typing import Any

from sqlalchemy import Row, func, literal, select, union_all
from sqlalchemy.orm import aliased

from hubbub.agents.models import Agent
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.kit.db.statistics import day_of
from hubbub.reports.queries.days import filled
from hubbub.reports.queries.scope import Scope
from hubbub.rooms.models import Room

_TOP = 15
_BUSIEST = 10


async def totals(session: AsyncReadSession, scope: Scope) -> dict[str, Any]:
    sent, got = scope.messages(), scope.deliveries()
    one = select(
        func.count().label("messages"),
        func.count(sent.c.sender_id.distinct()).label("senders"),
        func.count(sent.c.thread_id.distinct()).label("threads"),
        func.count(sent.c.room_id.distinct()).label("rooms"),
    ).select_from(sent)
    other = select(
        func.count().label("deliveries"),
        func.count(got.c.recipient_id.distinct()).label("recipients"),
    ).select_from(got)
    found = [(await session.execute(each)).mappings().one() for each in (one, other)]
    return {"totals": {**found[0], **found[1]}}


async def days(session: AsyncReadSession, scope: Scope) -> dict[str, Any]:
    counted: list[Row[*tuple[Any, ...]]] = []
    for name, each in (("messages", scope.messages()), ("deliveries", scope.deliveries())):
        day = day_of(each.c.created_at).label("day")
        statement = select(literal(name), day, func.count()).select_from(each).group_by(day)
        counted += (await session.execute(statement)).all()
    return {"days": filled(scope, counted)}


async def agents(session: AsyncReadSession, scope: Scope) -> dict[str, Any]:
    sent, got = scope.messages(), scope.deliveries()
    none = literal(0)
    each = union_all(
        select(sent.c.sender_id.label("id"), func.count().label("sent"), none.label("received"))
        .where(scope.among_mine(sent.c.sender_id))
        .group_by(sent.c.sender_id),
        select(got.c.recipient_id.label("id"), none.label("sent"), func.count().label("received"))
        .where(scope.among_mine(got.c.recipient_id))
        .group_by(got.c.recipient_id),
    ).subquery()
    both = func.sum(each.c.sent), func.sum(each.c.received)
    statement = (
        select(Agent.handle.label("agent"), both[0].label("sent"), both[1].label("received"))
        .join(each, each.c.id == Agent.id)
        .group_by(Agent.id, Agent.handle)
        .order_by((both[0] + both[1]).desc(), Agent.handle)
        .limit(_TOP)
    )
    return {"agents": (await session.execute(statement)).mappings().all()}


async def pairs(session: AsyncReadSession, scope: Scope) -> dict[str, Any]:
    each = scope.deliveries()
    many = func.count()
    # names come last: they are wanted of a few
    top = (
        select(each.c.sender_id, each.c.recipient_id, many.label("messages"))
        .group_by(each.c.sender_id, each.c.recipient_id)
        .order_by(many.desc(), each.c.sender_id, each.c.recipient_id)
        .limit(_TOP)
        .subquery()
    )
    sender, recipient = aliased(Agent), aliased(Agent)
    statement = (
        select(sender.handle.label("sender"), recipient.handle.label("recipient"), top.c.messages)
        .select_from(top)
        .join(sender, sender.id == top.c.sender_id)
        .join(recipient, recipient.id == top.c.recipient_id)
        .order_by(top.c.messages.desc(), sender.handle, recipient.handle)
    )
    return {"pairs": (await session.execute(statement)).mappings().all()}


async def threads(session: AsyncReadSession, scope: Scope) -> dict[str, Any]:
    each = scope.messages()
    many = func.count()
    statement = (
        select(
            each.c.thread_id,
            many.label("messages"),
            func.count(each.c.sender_id.distinct()).label("senders"),
        )
        .group_by(each.c.thread_id)
        .having(many > 1)
        .order_by(many.desc(), each.c.thread_id)
        .limit(_BUSIEST)
    )
    return {"threads": (await session.execute(statement)).mappings().all()}


async def rooms(session: AsyncReadSession, scope: Scope) -> dict[str, Any]:
    each = scope.messages()
    many = func.count()
    statement = (
        select(
            Room.name.label("room"),
            many.label("messages"),
            func.count(each.c.sender_id.distinct()).label("senders"),
        )
        .join(each, each.c.room_id == Room.id)
        .group_by(Room.id, Room.name)
        .order_by(many.desc(), Room.name)
        .limit(_BUSIEST)
    )
    return {"rooms": (await session.execute(statement)).mappings().all()}
