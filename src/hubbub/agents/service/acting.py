"""As whom a caller does something: as themselves, or as an agent of their own."""

from uuid import UUID

from hubbub.agents.errors import NotYourParticipant
from hubbub.agents.queries import lock_spoken_for, speaks_for
from hubbub.agents.types import Actor
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession


async def acting_as(session: AsyncReadSession, actor: Actor, agent_id: UUID | None) -> UUID:
    if agent_id is None or agent_id == actor.participant_id:
        return actor.participant_id
    if not await speaks_for(session, actor, agent_id):
        raise NotYourParticipant
    return agent_id


async def lock_acting_as(session: AsyncWriteSession, actor: Actor, agent_id: UUID | None) -> UUID:
    """The same, and the participant isn't deleted before this has ended."""
    acting = agent_id or actor.participant_id
    if acting not in await lock_spoken_for(session, actor, [acting]):
        raise NotYourParticipant
    return acting
