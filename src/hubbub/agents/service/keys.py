import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, update

from hubbub.activity import service as activity
from hubbub.agents.models import AgentKey
from hubbub.agents.schemas import KeyRotated
from hubbub.agents.service.rights import lock_own_agent
from hubbub.agents.types import AGENT_KEY_MARK, Actor
from hubbub.auth.service.revocations import announce_revocation
from hubbub.kit.clock import Clock
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.keys import token_hash

_PREFIX_LENGTH = 12


def new_agent_key(agent_id: UUID) -> tuple[str, AgentKey]:
    """The key, to be shown once, and its row."""
    key = AGENT_KEY_MARK + secrets.token_urlsafe(32)
    row = AgentKey(agent_id=agent_id, key_hash=token_hash(key), prefix=key[:_PREFIX_LENGTH])
    return key, row


async def rotate_key(
    session: AsyncWriteSession, clock: Clock, actor: Actor, agent_id: UUID, overlap_seconds: int
) -> KeyRotated:
    """The present key counts on for a while, the one before it ends now: never more than two."""
    key, row = new_agent_key(agent_id)
    agent = await lock_own_agent(session, actor, agent_id)
    ends: datetime | None = None
    if overlap_seconds:
        await session.execute(
            delete(AgentKey).where(AgentKey.agent_id == agent.id, AgentKey.expires_at.is_not(None))
        )
        until = clock.now() + timedelta(seconds=overlap_seconds)
        kept = await session.execute(
            update(AgentKey)
            .where(AgentKey.agent_id == agent.id)
            .values(expires_at=until)
            .returning(AgentKey.id)
        )
        ends = until if kept.first() is not None else None
        announce_revocation(session, agent.id)
    else:
        await revoke_keys(session, agent.id)
    session.add(row)
    activity.record(
        session,
        "agent.key_rotated",
        actor_id=actor.recorded_as,
        target_kind="agent",
        target_id=agent.id,
        overlap_seconds=overlap_seconds,
    )
    return KeyRotated(key=key, previous_expires_at=ends)


async def revoke_keys(session: AsyncWriteSession, *agent_ids: UUID) -> None:
    """They count no more from the commit on."""
    await session.execute(delete(AgentKey).where(AgentKey.agent_id.in_(agent_ids)))
    for agent_id in agent_ids:
        announce_revocation(session, agent_id)
