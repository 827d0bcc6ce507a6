"""Counts. What is counted of messages is bounded by time, through the ids that sort by it: the
whole of a large hub would be read for minutes."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import batched
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ScalarSelect, Select, func, select, union

from hubbub.agents.models import Agent
from hubbub.agents.types import Actor, Kind
from hubbub.files.models import File
from hubbub.files.queries import is_own
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.kit.ids import first_id_at
from hubbub.messages.models import Delivery, Message
from hubbub.messages.queries.visible import mine
from hubbub.messages.types import TOMBSTONES, State
from hubbub.users.models import User

_ASKED = 10_000


class Counts(NamedTuple):
    users: int
    agents: int
    messages: int
    files: int
    file_bytes: int


async def count(session: AsyncReadSession, actor: Actor, since: datetime) -> Counts:
    users = select(func.count()).select_from(User).where(User.is_active)
    agents = select(func.count()).where(Agent.kind == Kind.AGENT, Agent.deleted_at.is_(None))
    files = select(func.count(), func.coalesce(func.sum(File.size), 0)).select_from(File)
    if not actor.is_admin:
        files = files.where(is_own(actor))
    kept = files.subquery()
    statement = select(
        users.scalar_subquery(), agents.scalar_subquery(), _messages(actor, since), *kept.c
    )
    return Counts(*(await session.execute(statement)).one())


def _messages(actor: Actor, since: datetime) -> ScalarSelect[int]:
    first = first_id_at(since)
    if actor.is_admin:
        return select(func.count()).where(Message.id >= first).scalar_subquery()
    got = select(Delivery.message_id).where(
        Delivery.recipient_id.in_(mine(actor)),
        Delivery.message_id >= first,
        Delivery.state.not_in(TOMBSTONES),
    )
    each = union(_sent(actor, first), got).subquery()
    return select(func.count()).select_from(each).scalar_subquery()


def _sent(actor: Actor, first: UUID) -> Select[UUID]:
    return select(Message.id).where(Message.sender_id.in_(mine(actor)), Message.id >= first)


async def count_deliveries(
    session: AsyncReadSession, actor: Actor, since: datetime
) -> Mapping[State, int]:
    first = first_id_at(since)
    found = select(Delivery.recipient_id, Delivery.seq, Delivery.state)
    recent = found.where(Delivery.message_id >= first)
    if actor.is_admin:
        each = recent.subquery()
    else:
        each = union(
            recent.where(Delivery.recipient_id.in_(mine(actor))),
            found.where(Delivery.message_id.in_(_sent(actor, first))),
        ).subquery()
    statement = select(each.c.state, func.count()).group_by(each.c.state)
    return {row[0]: row[1] for row in await session.execute(statement)}


async def count_agents(session: AsyncReadSession, participant_ids: Iterable[UUID]) -> int:
    """How many of these participants are agents."""
    total = 0
    for some in batched(participant_ids, _ASKED):
        statement = select(func.count()).where(Agent.id.in_(some), Agent.kind == Kind.AGENT)
        total += await session.scalar(statement) or 0
    return total
