"""Changing and deleting an agent."""

from typing import ClassVar
from uuid import UUID

from pydantic import MISSING
from sqlalchemy import delete, update

from hubbub.activity import service as activity
from hubbub.agents.errors import NotAnAgent
from hubbub.agents.models import Agent, Contact, Transfer
from hubbub.agents.schemas import AgentUpdate
from hubbub.agents.service.gateway import changed, gateway_of, put_gateway
from hubbub.agents.service.keys import revoke_keys
from hubbub.agents.service.rights import lock_own, lock_own_agent
from hubbub.agents.service.signing import end_secrets
from hubbub.agents.types import Actor, GatewayKind, Kind
from hubbub.auth.service.revocations import announce_revocation
from hubbub.kit.crypto import Safe
from hubbub.kit.db.dialect import db_now
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.outbox import Event, emit
from hubbub.users.errors import AdminsOnly

_GATEWAY = frozenset({"gateway_kind", "gateway_url", "gateway_token", "session_key"})
_PUSHING = _GATEWAY | {"ordered"}


class AgentDeleted(Event):
    topic: ClassVar[str] = "agents.deleted"
    agent_id: UUID


class GatewayChanged(Event):
    """What waited for the gateway may go out now."""

    topic: ClassVar[str] = "agents.gateway_changed"
    agent_id: UUID


async def update_agent(
    session: AsyncWriteSession, safe: Safe, actor: Actor, agent_id: UUID, changes: AgentUpdate
) -> Agent:
    wanted = changes.model_dump()
    agent = await lock_own(session, actor, agent_id)
    if "may_broadcast" in wanted:
        if not actor.is_admin:
            msg = "Who may write to everyone, admins say."
            raise AdminsOnly(msg)
        announce_revocation(session, agent.id)  # what its key may do is remembered for seconds
    if wanted.keys() & _GATEWAY:
        _change_gateway(agent, safe, changes)
    if wanted.keys() & _PUSHING:
        emit(session, GatewayChanged(agent_id=agent.id))
    for name in wanted.keys() - _GATEWAY:
        setattr(agent, name, wanted[name])
    agent.display_key = agent.display_name.casefold()
    activity.record(
        session,
        "agent.updated",
        actor_id=actor.recorded_as,
        target_kind="agent",
        target_id=agent.id,
        fields=", ".join(sorted(wanted)),
    )
    await session.flush()
    await session.refresh(agent)
    return agent


def _change_gateway(agent: Agent, safe: Safe, changes: AgentUpdate) -> None:
    if agent.kind is not Kind.AGENT:
        msg = "A person has no gateway."
        raise NotAnAgent(msg)
    token = changes.gateway_token
    gateway = changed(
        gateway_of(agent),
        agent.handle,
        kind=None if changes.gateway_kind is MISSING else changes.gateway_kind,
        url=None if changes.gateway_url is MISSING else changes.gateway_url,
        gives_token=token is not MISSING,
        session_key=None if changes.session_key is MISSING else changes.session_key,
    )
    put_gateway(agent, gateway, safe, None if token is MISSING else token.get_secret_value())


async def delete_agent(session: AsyncWriteSession, actor: Actor, agent_id: UUID) -> None:
    agent = await lock_own_agent(session, actor, agent_id)
    await entomb(session, [agent.id])
    activity.record(
        session,
        "agent.deleted",
        actor_id=actor.recorded_as,
        target_kind="agent",
        target_id=agent.id,
    )


async def entomb(session: AsyncWriteSession, agent_ids: list[UUID]) -> None:
    """The rows stay, for what was written keeps its author; all that could still act goes."""
    await session.execute(
        update(Agent)
        .where(Agent.id.in_(agent_ids))
        .values(
            deleted_at=db_now(),
            gateway_kind=GatewayKind.NONE,
            gateway_url=None,
            gateway_token=None,
            session_key=None,
        )
        .execution_options(synchronize_session=False)
    )
    await session.execute(delete(Transfer).where(Transfer.agent_id.in_(agent_ids)))
    for column in (Contact.agent_id, Contact.other_id):
        await session.execute(delete(Contact).where(column.in_(agent_ids)))
    await revoke_keys(session, *agent_ids)
    await end_secrets(session, *agent_ids)
    for agent_id in agent_ids:
        emit(session, AgentDeleted(agent_id=agent_id))
