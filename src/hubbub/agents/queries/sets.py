"""The set statements that deciding over many messages at once takes, as plain selects."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, select

from hubbub.agents.models import Agent, Block
from hubbub.agents.types import Accepts, Kind

type Parties = Select[UUID, str, Kind, UUID | None, Accepts, bool]
"""Rows as in `Party`."""


def _parties() -> Parties:
    return select(
        Agent.id,
        Agent.handle,
        Agent.kind,
        Agent.owner_id,
        Agent.accepts,
        Agent.deleted_at.is_not(None).label("deleted"),
    )


def parties_by_handle(handles: Sequence[str]) -> Parties:
    """Handles are looked for as they are stored: in lower case."""
    return _parties().where(Agent.handle.in_(handles))


def parties_by_id(ids: Sequence[UUID]) -> Parties:
    return _parties().where(Agent.id.in_(ids))


def blocked_pairs(recipients: Sequence[UUID], senders: Sequence[UUID]) -> Select[UUID, UUID]:
    """(recipient, sender) where the first has blocked the second."""
    return select(Block.agent_id.label("recipient_id"), Block.blocked_id.label("sender_id")).where(
        Block.agent_id.in_(recipients), Block.blocked_id.in_(senders)
    )
