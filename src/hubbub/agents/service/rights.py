"""Finding an agent and what one may do with it, in one step."""

from uuid import UUID

from hubbub.agents import queries
from hubbub.agents.errors import AgentNotFound, NotAnAgent, NotYourAgent
from hubbub.agents.models import Agent
from hubbub.agents.types import Actor, Kind
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession


async def get_agent(session: AsyncReadSession, actor: Actor, agent_id: UUID) -> Agent:
    agent = await queries.find_agent(session, actor, agent_id)
    if agent is None:
        raise AgentNotFound
    return agent


async def get_acting(session: AsyncReadSession, actor: Actor, agent_id: UUID) -> Agent:
    """For the agent itself too."""
    agent = await get_agent(session, actor, agent_id)
    return agent if agent.id == actor.participant_id else _owned(actor, agent)


async def get_own_agent(session: AsyncReadSession, actor: Actor, agent_id: UUID) -> Agent:
    """For the owner and admins, who only look."""
    agent = _owned(actor, await get_agent(session, actor, agent_id))
    if agent.kind is not Kind.AGENT:
        raise NotAnAgent
    return agent


async def lock_own(session: AsyncWriteSession, actor: Actor, agent_id: UUID) -> Agent:
    """For the owner and admins, who mustn't change it at the same moment."""
    agent = await queries.lock_agent(session, actor, agent_id)
    if agent is None:
        raise AgentNotFound
    return _owned(actor, agent)


async def lock_own_agent(session: AsyncWriteSession, actor: Actor, agent_id: UUID) -> Agent:
    """As above, and not for people: they have no keys of this kind, and no owner but themselves."""
    agent = await lock_own(session, actor, agent_id)
    if agent.kind is not Kind.AGENT:
        raise NotAnAgent
    return agent


def _owned(actor: Actor, agent: Agent) -> Agent:
    if not actor.owns(agent.owner_id):
        raise NotYourAgent
    return agent


async def get_other(session: AsyncReadSession, actor: Actor, name_or_id: str) -> Agent:
    """A participant by its id or its handle, in any case."""
    try:
        return await get_agent(session, actor, UUID(name_or_id))
    except ValueError:
        agent = await queries.find_by_handle(session, actor, name_or_id.lower())
    if agent is None:
        nearest = await queries.nearest_handles(session, actor.viewer, name_or_id)
        raise AgentNotFound(did_you_mean=nearest)
    return agent
