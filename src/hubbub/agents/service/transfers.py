"""Giving an agent to another user, who has to want it."""

from typing import ClassVar
from uuid import UUID

from sqlalchemy import delete

from hubbub.activity import service as activity
from hubbub.agents import queries
from hubbub.agents.errors import AgentNotFound, AlreadyOwner, TransferNotFound
from hubbub.agents.models import Agent, Transfer
from hubbub.agents.queries.acts import TRANSFERRED
from hubbub.agents.schemas import TransferRead
from hubbub.agents.service.keys import revoke_keys
from hubbub.agents.service.rights import lock_own_agent
from hubbub.agents.service.signing import end_secrets
from hubbub.agents.types import Actor
from hubbub.kit.db.dialect import upsert
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.outbox import Event, emit
from hubbub.users.errors import UserNotFound
from hubbub.users.queries import find_user


class TransferOffered(Event):
    topic: ClassVar[str] = "agents.transfer_offered"
    agent_id: UUID
    to_user_id: UUID


class Transferred(Event):
    """The agent has a new owner, and no key until the new owner makes one."""

    topic: ClassVar[str] = "agents.transferred"
    agent_id: UUID
    to_user_id: UUID


async def offer(
    session: AsyncWriteSession, actor: Actor, agent_id: UUID, to_user_id: UUID
) -> TransferRead:
    """An admin's word is enough; another owner's offer waits until it is accepted."""
    agent = await lock_own_agent(session, actor, agent_id)
    heir = await find_user(session, actor.viewer, to_user_id)
    if heir is None or not heir.is_active:
        raise UserNotFound
    if heir.id == agent.owner_id:
        raise AlreadyOwner
    if actor.viewer.is_admin:
        await hand_over(session, agent, heir.id, by=actor.viewer.user_id)
        return TransferRead(agent_id=agent.id, to_user_id=heir.id, state="done")
    row = {"agent_id": agent.id, "to_user_id": heir.id}
    await session.execute(
        upsert(session, Transfer, row, unique=["agent_id"], change=["to_user_id"])
    )
    _record(session, "agent.transfer_offered", agent, heir.id, by=actor.viewer.user_id)
    emit(session, TransferOffered(agent_id=agent.id, to_user_id=heir.id))
    return TransferRead(agent_id=agent.id, to_user_id=heir.id, state="pending")


async def accept(session: AsyncWriteSession, actor: Actor, agent_id: UUID) -> Agent:
    agent = await queries.lock_agent(session, actor, agent_id)
    transfer = await session.get(Transfer, agent_id) if agent is not None else None
    if agent is None or transfer is None or transfer.to_user_id != actor.viewer.user_id:
        raise TransferNotFound
    await hand_over(session, agent, transfer.to_user_id, by=actor.viewer.user_id)
    await session.flush()
    await session.refresh(agent)
    return agent


async def withdraw(session: AsyncWriteSession, actor: Actor, agent_id: UUID) -> None:
    """By whoever made the offer, or by whom it was made to."""
    agent = await queries.lock_agent(session, actor, agent_id)
    if agent is None:
        raise AgentNotFound
    transfer = await session.get(Transfer, agent_id)
    is_offered = transfer is not None and transfer.to_user_id == actor.viewer.user_id
    if transfer is None or not (is_offered or actor.owns(agent.owner_id)):
        raise TransferNotFound
    await session.delete(transfer)
    _record(
        session,
        "agent.transfer_withdrawn",
        agent,
        transfer.to_user_id,
        by=actor.viewer.user_id,
    )


async def hand_over(
    session: AsyncWriteSession, agent: Agent, heir_id: UUID, *, by: UUID | None
) -> None:
    """Keys and signing secrets die: whoever owned it before knows them."""
    agent.owner_id = heir_id
    await session.execute(delete(Transfer).where(Transfer.agent_id == agent.id))
    await revoke_keys(session, agent.id)
    await end_secrets(session, agent.id)
    _record(session, TRANSFERRED, agent, heir_id, by=by)
    emit(session, Transferred(agent_id=agent.id, to_user_id=heir_id))


def _record(
    session: AsyncWriteSession, action: str, agent: Agent, heir_id: UUID, *, by: UUID | None
) -> None:
    activity.record(
        session,
        action,
        actor_id=by,
        target_kind="agent",
        target_id=agent.id,
        to_user_id=str(heir_id),
    )
