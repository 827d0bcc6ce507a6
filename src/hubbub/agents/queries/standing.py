"""Contacts and blocks. Who may see those of an agent, the service has decided."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload

from hubbub.agents.models import Agent, Block, Contact
from hubbub.agents.queries.sets import blocked_pairs
from hubbub.agents.types import ContactState
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.pagination import Order, PageRequest, paginate

_NEWEST_CONTACTS = Order("agents.contacts", Contact.created_at, Contact.id, descending=True)
_NEWEST_BLOCKS = Order("agents.blocks", Block.created_at, Block.id, descending=True)


def _of_agent(agent_id: UUID) -> Select[Contact]:
    return (
        select(Contact)
        .where(or_(Contact.agent_id == agent_id, Contact.other_id == agent_id))
        .options(joinedload(Contact.agent), joinedload(Contact.other))
    )


async def lock_contact(
    session: AsyncWriteSession, agent_id: UUID, contact_id: UUID
) -> Contact | None:
    """Whoever acts for the agent sees its contacts; the service has seen to that."""
    statement = _of_agent(agent_id).where(Contact.id == contact_id)
    return (await session.scalars(statement.with_for_update(of=Contact))).one_or_none()


async def list_contacts(
    session: AsyncReadSession, agent_id: UUID, page: PageRequest, *, state: ContactState | None
) -> tuple[Sequence[Contact], str | None]:
    statement = _of_agent(agent_id)
    if state is not None:
        statement = statement.where(Contact.state == state)
    return await paginate(session, statement, _NEWEST_CONTACTS, page)


async def lock_pair(session: AsyncWriteSession, one_id: UUID, other_id: UUID) -> None:
    statement = select(Agent.id).where(Agent.id.in_([one_id, other_id])).order_by(Agent.id)
    await session.execute(statement.with_for_update())


async def contact_between(
    session: AsyncReadSession, one_id: UUID, other_id: UUID
) -> Contact | None:
    statement = _of_agent(one_id).where(
        or_(Contact.agent_id == other_id, Contact.other_id == other_id)
    )
    return (await session.scalars(statement)).one_or_none()


async def is_blocked(session: AsyncReadSession, agent_id: UUID, blocked_id: UUID) -> bool:
    return (await session.execute(blocked_pairs([agent_id], [blocked_id]))).first() is not None


async def find_block(session: AsyncReadSession, agent_id: UUID, blocked_id: UUID) -> Block | None:
    statement = (
        select(Block)
        .where(Block.agent_id == agent_id, Block.blocked_id == blocked_id)
        .options(joinedload(Block.blocked))
    )
    return (await session.scalars(statement)).one_or_none()


async def list_blocks(
    session: AsyncReadSession, agent_id: UUID, page: PageRequest
) -> tuple[Sequence[Block], str | None]:
    statement = select(Block).where(Block.agent_id == agent_id).options(joinedload(Block.blocked))
    return await paginate(session, statement, _NEWEST_BLOCKS, page)


async def contact_for_notice(session: AsyncReadSession, contact_id: UUID) -> Contact | None:
    """For telling its two sides about it, where nobody is looking."""
    statement = (
        select(Contact)
        .where(Contact.id == contact_id)
        .options(joinedload(Contact.agent), joinedload(Contact.other))
    )
    return (await session.scalars(statement)).one_or_none()
