"""Pages of messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, String, cast, exists, func, or_, select, union
from sqlalchemy.orm import aliased

from hubbub.agents.models import Agent
from hubbub.agents.types import Actor
from hubbub.kit.db import search
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.kit.db.spans import Span
from hubbub.messages.models import Delivery, Message, UnindexedBatch
from hubbub.messages.queries.visible import OF_MANY, in_thread, mine, newest_of, scope_of, visible
from hubbub.messages.types import ARRIVED, State
from hubbub.rooms.queries import readable_from

SEARCH_KIND = "message"
MOST_SCOPES = 200
_DRIFT = 600
"""An id is made up to so many seconds before or after the time that is stored with it."""

# an alias: where a condition is used, there may be a delivery of the viewer's own
_any = aliased(Delivery)


@dataclass(frozen=True, slots=True)
class Filters:
    agent: UUID | None = None
    thread: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    state: State | None = None
    room: UUID | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """On a row of `message`; the agent is left to those who know whose it is."""
        found: list[ColumnElement[bool]] = []
        if self.thread is not None:
            found.append(in_thread(self.thread))
        if self.room is not None:
            found.append(Message.room_id == self.room)
        span = Span(self.since, self.until)
        found.extend(span.of(Message.created_at, Message.id, drift=_DRIFT))
        if self.state is not None:
            stands_so = exists().where(_any.message_id == Message.id, _any.state == self.state)
            found.append(stands_so)
        return found


def takes_part(agent_id: UUID) -> ColumnElement[bool]:
    got = exists().where(_any.message_id == Message.id, _any.recipient_id == agent_id)
    return or_(Message.sender_id == agent_id, got)


async def _seen_by(
    session: AsyncReadSession, actor: Actor, filters: Filters
) -> tuple[Select[UUID], list[ColumnElement[bool]]]:
    """Through whose eyes to look, and for what: one's own agent sees, another's is looked for."""
    eyes, conditions = mine(actor), filters.conditions()
    if filters.agent is not None:
        own = eyes.where(Agent.id == filters.agent)
        if await session.scalar(own) is not None:
            eyes = own
        else:
            conditions.append(takes_part(filters.agent))
    return eyes, conditions


async def list_messages(
    session: AsyncReadSession, actor: Actor, filters: Filters, before: UUID | None, limit: int
) -> Sequence[Row[Message, str]]:
    """Newest first."""
    eyes, conditions = await _seen_by(session, actor, filters)
    sender = aliased(Agent)
    statement = select(Message, sender.handle).join(sender, sender.id == Message.sender_id)
    if filters.thread is not None:
        # a thread is short, what a participant has may not be
        if filters.agent is not None:
            conditions.append(takes_part(filters.agent))
        statement = statement.where(visible(actor), *conditions)
        if before is not None:
            statement = statement.where(Message.id < before)
    else:
        newest = newest_of(session, eyes, conditions, before, limit)
        statement = statement.join(newest, newest.c.id == Message.id)
    return (await session.execute(statement.order_by(Message.id.desc()).limit(limit))).all()


async def search_messages(
    session: AsyncReadSession,
    actor: Actor,
    query: str,
    filters: Filters,
    before: int | None,
    limit: int,
) -> Sequence[Row[int, Message, str]]:
    """Those that came into the index last first, each with its place there."""
    eyes, conditions = await _seen_by(session, actor, filters)
    rooms = readable_from(actor).subquery()
    names = union(eyes, select(rooms.c.room_id)).limit(MOST_SCOPES + 1)
    named = (await session.scalars(names)).all()
    scopes = [OF_MANY, *map(scope_of, named)] if len(named) <= MOST_SCOPES else []
    dialect = session.get_bind().dialect.name
    found = search.newest(dialect, SEARCH_KIND, query, scopes, before)
    sender = aliased(Agent)
    if filters.agent is not None:
        conditions.append(takes_part(filters.agent))
    statement = (
        found.join(Message, Message.id == search.SearchEntry.object_id)
        .join(sender, sender.id == Message.sender_id)
        .where(visible(actor), *conditions)
        .with_only_columns(search.SearchEntry.id, Message, sender.handle)
        .limit(limit)
    )
    return (await session.execute(statement)).all()


async def indexed_until(session: AsyncReadSession) -> datetime | None:
    """Since when messages may be missing from the search index; None when it has them all."""
    return await session.scalar(select(func.min(UnindexedBatch.created_at)))


class Standing(NamedTuple):
    """The deliveries of one message, summed up."""

    recipients: int = 0
    arrived: int = 0
    first: str = ""


async def standings(
    session: AsyncReadSession, message_ids: Sequence[UUID]
) -> Mapping[UUID, Standing]:
    """Of messages that a finder has given."""
    statement = (
        select(
            Delivery.message_id,
            func.count(),
            func.count().filter(Delivery.state.in_(ARRIVED)),
            func.min(cast(Delivery.recipient_id, String)),
        )
        .where(Delivery.message_id.in_(message_ids))
        .group_by(Delivery.message_id)
    )
    return {row[0]: Standing(*row[1:]) for row in await session.execute(statement)}
