"""What of an agent is shown to whom."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hubbub.agents import queries
from hubbub.agents.models import Agent
from hubbub.agents.schemas import AgentRead, Other, PresenceRead
from hubbub.agents.types import Actor
from hubbub.kit.db.sessions import AsyncReadSession


def public_read(agent: Agent, last_seen_at: datetime | None = None) -> AgentRead:
    return AgentRead(
        id=agent.id,
        name=agent.handle,
        display_name=agent.display_name,
        description=agent.description,
        skills=agent.skills,
        kind=agent.kind,
        created_at=agent.created_at,
        last_seen_at=last_seen_at,
    )


def full_read(agent: Agent, last_seen_at: datetime | None = None) -> AgentRead:
    return public_read(agent, last_seen_at).model_copy(
        update={
            "owner_id": agent.owner_id,
            "accepts": agent.accepts,
            "gateway_kind": agent.gateway_kind,
            "gateway_url": agent.gateway_url,
            "session_key": agent.session_key,
            "may_broadcast": agent.may_broadcast,
            "ordered": agent.ordered,
            "max_in_flight": agent.max_in_flight,
            "retry_ambiguous": agent.retry_ambiguous,
            "updated_at": agent.updated_at,
        }
    )


async def shown_to(
    session: AsyncReadSession, actor: Actor, agents: Sequence[Agent]
) -> list[AgentRead]:
    seen = await queries.last_seen(session, [agent.id for agent in agents])
    return [
        (full_read if actor.owns(agent.owner_id) else public_read)(agent, seen.get(agent.id))
        for agent in agents
    ]


async def presence_of(
    session: AsyncReadSession, agent_id: UUID, connections: int | None
) -> PresenceRead:
    seen = await queries.last_seen(session, [agent_id])
    return PresenceRead(
        online=None if connections is None else connections > 0,
        last_seen_at=seen.get(agent_id),
        connections=connections,
    )


def other(agent: Agent) -> Other:
    return Other(id=agent.id, name=agent.handle, display_name=agent.display_name)
