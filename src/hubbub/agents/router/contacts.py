from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, status

from hubbub.agents import queries
from hubbub.agents.dependencies import AgentId, CurrentActor
from hubbub.agents.errors import (
    AgentNotFound,
    ContactExists,
    ContactNotFound,
    ContactRefused,
    NotWithYourself,
    NotYourAgent,
)
from hubbub.agents.schemas import ContactAsk, ContactRead
from hubbub.agents.service import contacts, rights
from hubbub.agents.types import ContactState
from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.kit.http.dependencies import Page, ReadSession, WriteSession
from hubbub.kit.http.idempotency import Once
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.idempotency import InvalidKey, KeyReused
from hubbub.kit.pagination import InvalidCursor, PageOf

router = ApiRouter(prefix="/agents/{agent_id}/contacts", tags=["Contacts"])

ContactId = Annotated[UUID, Path(description="One of the agent's contacts.")]


@router.get(
    "",
    summary="List an agent's contacts",
    description="In both directions and every state, newest first.",
    responses=responses(InvalidCursor, InvalidToken, ScopeMissing, NotYourAgent, AgentNotFound),
)
async def list_contacts(
    agent_id: AgentId,
    actor: CurrentActor,
    session: ReadSession,
    page: Page,
    state: Annotated[ContactState | None, Query(description="Only in this state.")] = None,
) -> PageOf[ContactRead]:
    agent = await rights.get_acting(session, actor, agent_id)
    rows, cursor = await queries.list_contacts(session, agent.id, page, state=state)
    items = [contacts.contact_read(row, agent.id) for row in rows]
    return PageOf(items=items, next_cursor=cursor)


@router.post(
    "",
    summary="Ask for contact",
    description="Asking back accepts. The other side's owner is told.",
    status_code=status.HTTP_201_CREATED,
    responses=responses(
        InvalidToken,
        ScopeMissing,
        NotYourAgent,
        AgentNotFound,
        NotWithYourself,
        ContactExists,
        ContactRefused,
        InvalidKey,
        KeyReused,
    ),
)
async def ask_contact(
    agent_id: AgentId, ask: ContactAsk, actor: CurrentActor, session: WriteSession, once: Once
) -> ContactRead:
    making = contacts.ask_contact(session, actor, agent_id, ask)
    return await once(session, actor.identity, ask, making)


@router.post(
    "/{contact_id}/accept",
    summary="Accept a contact",
    responses=responses(InvalidToken, ScopeMissing, NotYourAgent, AgentNotFound, ContactNotFound),
)
async def accept_contact(
    agent_id: AgentId, contact_id: ContactId, actor: CurrentActor, session: WriteSession
) -> ContactRead:
    return await contacts.answer_contact(
        session, actor, agent_id, contact_id, ContactState.ACCEPTED
    )


@router.post(
    "/{contact_id}/refuse",
    summary="Refuse a contact",
    responses=responses(InvalidToken, ScopeMissing, NotYourAgent, AgentNotFound, ContactNotFound),
)
async def refuse_contact(
    agent_id: AgentId, contact_id: ContactId, actor: CurrentActor, session: WriteSession
) -> ContactRead:
    return await contacts.answer_contact(session, actor, agent_id, contact_id, ContactState.REFUSED)


@router.delete(
    "/{contact_id}",
    summary="End a contact, or take the request back",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=responses(
        InvalidToken, ScopeMissing, NotYourAgent, AgentNotFound, ContactNotFound, ContactRefused
    ),
)
async def remove_contact(
    agent_id: AgentId, contact_id: ContactId, actor: CurrentActor, session: WriteSession
) -> None:
    await contacts.remove_contact(session, actor, agent_id, contact_id)
