"""What admins see of everybody's messages: that they are there, and nothing of what they say."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, false, func, select, true
from sqlalchemy.orm import aliased

from hubbub.agents.models import Agent
from hubbub.agents.types import Actor
from hubbub.kit.db.dialect import byte_length
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.messages.models import Delivery, Message
from hubbub.messages.queries.listing import Filters
from hubbub.messages.queries.visible import newest_of
from hubbub.messages.types import State


def _for_admins(actor: Actor) -> ColumnElement[bool]:
    return true() if actor.is_admin else false()


async def list_metadata(
    session: AsyncReadSession, actor: Actor, filters: Filters, before: UUID | None, limit: int
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Newest first."""
    sender = aliased(Agent)
    statement = (
        select(
            Message.id,
            Message.sender_id.label("from_agent_id"),
            sender.handle.label("from_name"),
            Message.addressed.label("to"),
            Message.content_type,
            Message.thread_id,
            Message.reply_to,
            byte_length(Message.content).label("size"),
            func.coalesce(byte_length(Message.meta), 0).label("metadata_size"),
            Message.priority,
            Message.created_at,
            Message.expires_at,
            Message.ack_by,
            Message.withdrawn_at,
        )
        .join(sender, sender.id == Message.sender_id)
        .where(_for_admins(actor))
    )
    conditions = filters.conditions()
    if filters.agent is not None:
        eyes = select(Agent.id).where(Agent.id == filters.agent)
        newest = newest_of(session, eyes, conditions, before, limit, tombstones=True)
        statement = statement.join(newest, newest.c.id == Message.id)
    else:
        statement = statement.where(*conditions)
        if before is not None:
            statement = statement.where(Message.id < before)
    return (await session.execute(statement.order_by(Message.id.desc()).limit(limit))).all()


async def count_states(
    session: AsyncReadSession, message_ids: Sequence[UUID]
) -> Mapping[UUID, Mapping[State, int]]:
    """Of messages that a finder has given."""
    statement = (
        select(Delivery.message_id, Delivery.state, func.count())
        .where(Delivery.message_id.in_(message_ids))
        .group_by(Delivery.message_id, Delivery.state)
    )
    counts: defaultdict[UUID, dict[State, int]] = defaultdict(dict)
    for message_id, state, count in await session.execute(statement):
        counts[message_id][state] = count
    return counts


async def find_for_reveal(
    session: AsyncReadSession, actor: Actor, message_id: UUID
) -> Row[Message, str] | None:
    """With its content: whoever asks writes down that it was shown."""
    statement = (
        select(Message, Agent.handle)
        .join(Agent, Agent.id == Message.sender_id)
        .where(Message.id == message_id, _for_admins(actor))
    )
    return (await session.execute(statement)).one_or_none()
