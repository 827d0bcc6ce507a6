"""Finding participants. Whoever looks comes first."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, and_, or_, select

from hubbub.agents.models import Agent, AgentKey, AgentPresence
from hubbub.agents.types import Actor, Kind
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.pagination import Order, PageRequest, paginate
from hubbub.users.models import User

_NEWEST = Order("agents", Agent.created_at, Agent.id, descending=True)


async def key_holder(
    session: AsyncReadSession, key_hash: bytes, now: datetime
) -> Row[Agent, datetime | None] | None:
    """The agent whose key this is, and when the key ends. Nobody's agent, or that of a user who
    was switched off, can't call."""
    statement = (
        select(Agent, AgentKey.expires_at)
        .join(AgentKey, AgentKey.agent_id == Agent.id)
        .join(User, and_(User.id == Agent.owner_id, User.is_active))
        .where(
            AgentKey.key_hash == key_hash,
            or_(AgentKey.expires_at.is_(None), AgentKey.expires_at > now),
            Agent.deleted_at.is_(None),
        )
    )
    return (await session.execute(statement)).one_or_none()


async def held_keys(
    session: AsyncReadSession, hashes: Sequence[bytes], now: datetime
) -> set[bytes]:
    """Which of these keys an agent could call with."""
    statement = (
        select(AgentKey.key_hash)
        .join(Agent, and_(Agent.id == AgentKey.agent_id, Agent.deleted_at.is_(None)))
        .join(User, and_(User.id == Agent.owner_id, User.is_active))
        .where(
            AgentKey.key_hash.in_(hashes),
            or_(AgentKey.expires_at.is_(None), AgentKey.expires_at > now),
        )
    )
    return set(await session.scalars(statement))


async def find_person(session: AsyncReadSession, user_id: UUID) -> Agent | None:
    """The participant that a user is."""
    statement = select(Agent).where(Agent.person_of == user_id, Agent.deleted_at.is_(None))
    return (await session.scalars(statement)).one_or_none()


async def find_agent(session: AsyncReadSession, actor: Actor, agent_id: UUID) -> Agent | None:
    """The directory is everybody's; which fields are shown is another question."""
    del actor
    statement = select(Agent).where(Agent.id == agent_id, Agent.deleted_at.is_(None))
    return (await session.scalars(statement)).one_or_none()


async def lock_agent(session: AsyncWriteSession, actor: Actor, agent_id: UUID) -> Agent | None:
    """As above, and nobody else changes it until this ends."""
    del actor
    statement = select(Agent).where(Agent.id == agent_id, Agent.deleted_at.is_(None))
    return (await session.scalars(statement.with_for_update())).one_or_none()


async def find_by_handle(session: AsyncReadSession, actor: Actor, handle: str) -> Agent | None:
    del actor
    statement = select(Agent).where(Agent.handle == handle, Agent.deleted_at.is_(None))
    return (await session.scalars(statement)).one_or_none()


async def list_agents(
    session: AsyncReadSession,
    actor: Actor,
    page: PageRequest,
    *,
    mine: bool,
    kind: Kind | None,
    search: str | None,
) -> tuple[Sequence[Agent], str | None]:
    statement = select(Agent).where(Agent.deleted_at.is_(None))
    if mine:
        statement = statement.where(Agent.owner_id == actor.viewer.user_id)
    if kind is not None:
        statement = statement.where(Agent.kind == kind)
    if search:
        wanted = search.casefold()
        columns = (Agent.handle, Agent.display_key)
        statement = statement.where(or_(*(c.contains(wanted, autoescape=True) for c in columns)))
    return await paginate(session, statement, _NEWEST, page)


async def last_seen(session: AsyncReadSession, agent_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    statement = select(AgentPresence.agent_id, AgentPresence.last_seen_at).where(
        AgentPresence.agent_id.in_(agent_ids)
    )
    return {row.agent_id: row.last_seen_at for row in await session.execute(statement)}


async def agents_of(session: AsyncReadSession, user_id: UUID) -> Sequence[Agent]:
    """Without the person, which is nobody's to pass on."""
    statement = select(Agent).where(
        Agent.owner_id == user_id, Agent.kind == Kind.AGENT, Agent.deleted_at.is_(None)
    )
    return (await session.scalars(statement.order_by(Agent.id))).all()


async def agent_for_notice(session: AsyncReadSession, agent_id: UUID) -> Agent | None:
    """For telling people about it, where nobody is looking."""
    statement = select(Agent).where(Agent.id == agent_id, Agent.deleted_at.is_(None))
    return (await session.scalars(statement)).one_or_none()
