"""Who has agreed to hear from whom."""

from typing import ClassVar
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from hubbub.activity import service as activity
from hubbub.agents import queries
from hubbub.agents.errors import (
    ContactExists,
    ContactNotFound,
    ContactRefused,
    NotWithYourself,
)
from hubbub.agents.models import Agent, Contact
from hubbub.agents.schemas import ContactAsk, ContactRead
from hubbub.agents.service.reading import other
from hubbub.agents.service.rights import get_acting, get_other
from hubbub.agents.types import Actor, ContactState
from hubbub.kit.db.dialect import db_now
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.outbox import Event, emit


class ContactAsked(Event):
    topic: ClassVar[str] = "agents.contact_asked"
    contact_id: UUID


class ContactAccepted(Event):
    topic: ClassVar[str] = "agents.contact_accepted"
    contact_id: UUID


def contact_read(contact: Contact, agent_id: UUID) -> ContactRead:
    """As the participant `agent_id` sees it."""
    asked = contact.agent_id == agent_id
    return ContactRead(
        id=contact.id,
        other=other(contact.other if asked else contact.agent),
        direction="asked" if asked else "received",
        state=contact.state,
        note=contact.note,
        created_at=contact.created_at,
        answered_at=contact.answered_at,
    )


async def ask_contact(
    session: AsyncWriteSession, actor: Actor, agent_id: UUID, ask: ContactAsk
) -> ContactRead:
    agent = await get_acting(session, actor, agent_id)
    wanted = await get_other(session, actor, ask.other)
    if wanted.id == agent.id:
        raise NotWithYourself
    # both rows, in one order: of two who ask each other at once, the second accepts
    await queries.lock_pair(session, agent.id, wanted.id)
    if await queries.is_blocked(session, wanted.id, agent.id):
        raise ContactRefused
    contact = await queries.contact_between(session, agent.id, wanted.id)
    if contact is not None:
        if contact.agent_id == agent.id or contact.state is ContactState.ACCEPTED:
            raise ContactRefused if contact.state is ContactState.REFUSED else ContactExists
        return await _answer(session, actor, contact, agent, ContactState.ACCEPTED)
    contact = Contact(
        agent_id=agent.id, other_id=wanted.id, state=ContactState.REQUESTED, note=ask.note
    )
    session.add(contact)
    try:
        await session.flush()
    except IntegrityError as error:
        raise ContactExists from error
    _record(session, "agent.contact_asked", actor, agent.id, wanted)
    emit(session, ContactAsked(contact_id=contact.id))
    return contact_read(await _whole(session, agent.id, contact.id), agent.id)


async def answer_contact(
    session: AsyncWriteSession,
    actor: Actor,
    agent_id: UUID,
    contact_id: UUID,
    answer: ContactState,
) -> ContactRead:
    """By the one who was asked, who may also change their mind."""
    agent = await get_acting(session, actor, agent_id)
    contact = await _whole(session, agent.id, contact_id)
    if contact.other_id != agent.id:
        raise ContactNotFound
    return await _answer(session, actor, contact, agent, answer)


async def _answer(
    session: AsyncWriteSession, actor: Actor, contact: Contact, agent: Agent, answer: ContactState
) -> ContactRead:
    if contact.state is not answer:
        contact.state = answer
        contact.answered_at = db_now()
        _record(session, f"agent.contact_{answer}", actor, agent.id, contact.agent)
        if answer is ContactState.ACCEPTED:
            emit(session, ContactAccepted(contact_id=contact.id))
        await session.flush()
        await session.refresh(contact, ["state", "answered_at"])
    return contact_read(contact, agent.id)


async def remove_contact(
    session: AsyncWriteSession, actor: Actor, agent_id: UUID, contact_id: UUID
) -> None:
    agent = await get_acting(session, actor, agent_id)
    contact = await _whole(session, agent.id, contact_id)
    asked = contact.agent_id == agent.id
    if asked and contact.state is ContactState.REFUSED:
        raise ContactRefused  # or it could be asked again and again
    _record(
        session,
        "agent.contact_removed",
        actor,
        agent.id,
        contact.other if asked else contact.agent,
    )
    await session.delete(contact)


async def _whole(session: AsyncWriteSession, agent_id: UUID, contact_id: UUID) -> Contact:
    contact = await queries.lock_contact(session, agent_id, contact_id)
    if contact is None:
        raise ContactNotFound
    return contact


def _record(
    session: AsyncWriteSession, action: str, actor: Actor, agent_id: UUID, wanted: Agent
) -> None:
    activity.record(
        session,
        action,
        actor_id=actor.recorded_as,
        target_kind="agent",
        target_id=agent_id,
        other=wanted.handle,
    )
