"""What becomes of the agents of a user who is deleted."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update

from hubbub.activity import service as activity
from hubbub.agents import queries
from hubbub.agents.models import Agent
from hubbub.agents.service.changes import entomb
from hubbub.agents.service.transfers import hand_over
from hubbub.agents.types import Kind
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession


class OwnedAgents:
    """The user's person goes in any case: it is the user. What it wrote stays under its name."""

    name = "agents"

    async def count(self, session: AsyncReadSession, user_id: UUID, now: datetime) -> int:
        del now
        return len(await queries.agents_of(session, user_id))

    async def pass_on(self, session: AsyncWriteSession, user_id: UUID, heir_id: UUID) -> None:
        for agent in await queries.agents_of(session, user_id):
            await hand_over(session, agent, heir_id, by=None)
        # those that are deleted too, for what they wrote stays readable to their owner
        await session.execute(
            update(Agent)
            .where(Agent.owner_id == user_id, Agent.kind == Kind.AGENT)
            .values(owner_id=heir_id)
            .execution_options(synchronize_session=False)
        )
        await self._entomb_person(session, user_id)

    async def discard(self, session: AsyncWriteSession, user_id: UUID) -> None:
        agents = await queries.agents_of(session, user_id)
        await entomb(session, [agent.id for agent in agents])
        for agent in agents:
            activity.record(
                session,
                "agent.deleted",
                actor_id=None,
                target_kind="agent",
                target_id=agent.id,
                owner=str(user_id),
            )
        await self._entomb_person(session, user_id)

    async def _entomb_person(self, session: AsyncWriteSession, user_id: UUID) -> None:
        person = await queries.find_person(session, user_id)
        if person is not None:
            await entomb(session, [person.id])
