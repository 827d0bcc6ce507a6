from typing import Annotated

from fastapi import Query, status

from hubbub.agents import queries
from hubbub.agents.dependencies import (
    ActingUser,
    AgentId,
    CurrentActor,
    CurrentAgentState,
    CurrentRegistrant,
)
from hubbub.agents.errors import (
    AgentNotFound,
    GatewayIncomplete,
    GatewayTokenRequired,
    HandleTaken,
    InvalidEnrolment,
    NotAnAgent,
    NotYourAgent,
    UserRequired,
)
from hubbub.agents.schemas import AgentCreate, AgentCreated, AgentRead, AgentUpdate, PresenceRead
from hubbub.agents.service import changes as changing
from hubbub.agents.service import reading, registration, rights
from hubbub.agents.types import Kind
from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.kit.http.dependencies import CurrentResources, Page, ReadSession, WriteSession
from hubbub.kit.http.idempotency import Once
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.idempotency import InvalidKey, KeyReused
from hubbub.kit.pagination import InvalidCursor, PageOf
from hubbub.kit.schema import Line

router = ApiRouter(prefix="/agents", tags=["Agents"])


@router.post(
    "",
    summary="Register an agent",
    description="By a user, whose agent it is; or by the agent itself with an enrolment token as"
    " bearer. The key is shown in this answer and never again.",
    status_code=status.HTTP_201_CREATED,
    responses=responses(
        InvalidToken,
        InvalidEnrolment,
        ScopeMissing,
        UserRequired,
        HandleTaken,
        GatewayIncomplete,
        InvalidKey,
        KeyReused,
    ),
)
async def register_agent(
    new: AgentCreate,
    registrant: CurrentRegistrant,
    session: WriteSession,
    resources: CurrentResources,
    once: Once,
) -> AgentCreated:
    making = registration.register(session, resources.safe, registrant, new)
    return await once(session, registrant.identity, new, making)


@router.get(
    "",
    summary="List participants",
    description="The directory, newest first. How an agent is reached is shown to its owner and"
    " to admins.",
    responses=responses(InvalidCursor, InvalidToken, ScopeMissing),
)
async def list_agents(
    actor: CurrentActor,
    session: ReadSession,
    page: Page,
    mine: Annotated[bool, Query(description="Only those of the caller's user.")] = False,
    kind: Annotated[Kind | None, Query(description="Only agents, or only people.")] = None,
    search: Annotated[
        Line | None,
        Query(min_length=1, max_length=100, description="Part of a name or display name."),
    ] = None,
) -> PageOf[AgentRead]:
    rows, cursor = await queries.list_agents(
        session, actor, page, mine=mine, kind=kind, search=search
    )
    return PageOf(items=await reading.shown_to(session, actor, rows), next_cursor=cursor)


@router.get(
    "/{agent_id}",
    summary="Read a participant",
    responses=responses(InvalidToken, ScopeMissing, AgentNotFound),
)
async def read_agent(agent_id: AgentId, actor: CurrentActor, session: ReadSession) -> AgentRead:
    agent = await rights.get_agent(session, actor, agent_id)
    return (await reading.shown_to(session, actor, [agent]))[0]


@router.patch(
    "/{agent_id}",
    summary="Change an agent",
    description="What is left out stays. Fields that another gateway_kind doesn't take go with"
    " the change of the kind.",
    responses=responses(
        InvalidToken,
        ScopeMissing,
        UserRequired,
        NotYourAgent,
        AgentNotFound,
        NotAnAgent,
        GatewayIncomplete,
        GatewayTokenRequired,
    ),
)
async def update_agent(
    agent_id: AgentId,
    changes: AgentUpdate,
    actor: ActingUser,
    session: WriteSession,
    resources: CurrentResources,
) -> AgentRead:
    agent = await changing.update_agent(session, resources.safe, actor, agent_id, changes)
    return (await reading.shown_to(session, actor, [agent]))[0]


@router.delete(
    "/{agent_id}",
    summary="Delete an agent",
    description="Its keys die at once and its name stays reserved. What it wrote and got stays"
    " readable to those who could read it.",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=responses(
        InvalidToken, ScopeMissing, UserRequired, NotYourAgent, AgentNotFound, NotAnAgent
    ),
)
async def delete_agent(agent_id: AgentId, actor: ActingUser, session: WriteSession) -> None:
    await changing.delete_agent(session, actor, agent_id)


@router.get(
    "/{agent_id}/presence",
    summary="Is it there?",
    responses=responses(InvalidToken, ScopeMissing, AgentNotFound),
)
async def read_presence(
    agent_id: AgentId, actor: CurrentActor, session: ReadSession, state: CurrentAgentState
) -> PresenceRead:
    agent = await rights.get_agent(session, actor, agent_id)
    connections = await state.presence.connections.count(agent.id)
    return await reading.presence_of(session, agent.id, connections)
