"""The record of acts: all of it for admins, for others what they and their agents did."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select, true
from sqlalchemy.orm import aliased

from hubbub.activity.models import Activity
from hubbub.agents.models import Agent
from hubbub.agents.types import Actor
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.kit.db.spans import Span

TRANSFERRED = "agent.transferred"
"""The act by which an agent gets another owner."""


@dataclass(frozen=True, slots=True)
class ActFilters:
    actor: UUID | None = None
    action: str | None = None
    object: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        if self.actor is not None:
            yield Activity.actor_id == self.actor
        if self.action is not None:
            below = Activity.action.startswith(f"{self.action}.", autoescape=True)
            yield or_(Activity.action == self.action, below)
        if self.object is not None:
            yield Activity.target_id == self.object
        yield from Span(self.since, self.until).of(Activity.at, Activity.id)


def visible_acts(actor: Actor) -> ColumnElement[bool]:
    if actor.is_admin:
        return true()
    if not actor.is_user:
        return and_(Activity.actor_id == actor.participant_id, _since_it_came())
    mine = select(Agent.id).where(Agent.owner_id == actor.owner_id)
    by_an_agent = and_(Activity.actor_id.in_(mine), _since_it_came())
    return or_(Activity.actor_id == actor.viewer.user_id, by_an_agent)


def _since_it_came() -> ColumnElement[bool]:
    """What an agent did for the owner before is none of its new owner's business."""
    came = aliased(Activity)
    return ~exists().where(
        came.target_id == Activity.actor_id, came.action == TRANSFERRED, came.id > Activity.id
    )


async def list_acts(
    session: AsyncReadSession, actor: Actor, filters: ActFilters, before: UUID | None, limit: int
) -> Sequence[Activity]:
    """Newest first."""
    statement = select(Activity).where(visible_acts(actor), *filters.conditions())
    if before is not None:
        statement = statement.where(Activity.id < before)
    return (await session.scalars(statement.order_by(Activity.id.desc()).limit(limit))).all()
