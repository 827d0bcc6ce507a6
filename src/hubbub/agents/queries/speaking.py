"""For whom a caller may speak: for itself, and a user for every agent of theirs. Being an admin
gives no voice."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, select

from hubbub.agents.models import Agent
from hubbub.agents.types import Actor
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession


def spoken_for(actor: Actor, only: UUID | None = None) -> Select[UUID]:
    """The ids of the participants, or of `only` this one if it is among them."""
    statement = select(Agent.id).where(Agent.deleted_at.is_(None))
    if actor.is_user:
        statement = statement.where(Agent.owner_id == actor.owner_id)
    else:
        statement = statement.where(Agent.id == actor.participant_id)
    return statement if only is None else statement.where(Agent.id == only)


async def speaks_for(session: AsyncReadSession, actor: Actor, participant_id: UUID) -> bool:
    return await session.scalar(spoken_for(actor, participant_id)) is not None


async def lock_spoken_for(
    session: AsyncWriteSession, actor: Actor, participant_ids: Sequence[UUID]
) -> set[UUID]:
    """For which of these the caller speaks; none of them is deleted before this ends."""
    statement = spoken_for(actor).where(Agent.id.in_(participant_ids)).order_by(Agent.id)
    return set(await session.scalars(statement.with_for_update(read=True)))
