"""Who is calling, as a participant."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Request
from starlette.requests import HTTPConnection
from starlette.types import Scope as HttpScope

from hubbub.agents.credentials import actor_of
from hubbub.agents.errors import UserRequired
from hubbub.agents.service.enrolments import read_enrolment
from hubbub.agents.service.registration import Registrant
from hubbub.agents.state import AgentState
from hubbub.agents.types import ENROLMENT_MARK, Actor
from hubbub.auth.dependencies import Credential, CurrentTokens, check_scope
from hubbub.auth.errors import InvalidToken
from hubbub.kit.errors import Unauthenticated
from hubbub.kit.http.credentials import presented
from hubbub.kit.http.dependencies import CurrentResources
from hubbub.kit.http.limits import credential_accepted

AgentId = Annotated[UUID, Path(description="The participant's id.")]


async def get_agent_state(connection: HTTPConnection) -> AgentState:
    state: AgentState = connection.app.state.agents
    return state


CurrentAgentState = Annotated[AgentState, Depends(get_agent_state)]


async def current_actor(request: Request, _: Credential) -> Actor:
    return await actor_of_scope(request.scope)


async def actor_of_scope(scope: HttpScope) -> Actor:
    """The same, for a route that reads its request itself."""
    found = presented(scope)
    if found is None or not found.is_known_form:
        msg = "Send Authorization: Bearer with an agent's key, an access token or an API key."
        raise Unauthenticated(msg)
    state: AgentState = scope["app"].state.agents
    actor = state.credentials.get(found.hash, state.credentials.resources.clock.now())
    if actor is None:
        actor = await actor_of(state.credentials, found.token)
        if actor is None:
            raise InvalidToken
    credential_accepted(scope)
    check_scope(actor.scopes, scope["method"])
    state.presence.seen(actor.participant_id)
    return actor


CurrentActor = Annotated[Actor, Depends(current_actor)]
"""An agent by its key, or a user as their person."""


async def acting_user(actor: CurrentActor) -> Actor:
    """For what an agent must not do by itself: it would outlive its key, or its owner's will."""
    if not actor.is_user:
        raise UserRequired
    return actor


ActingUser = Annotated[Actor, Depends(acting_user)]


async def registrant(
    request: Request, credential: Credential, tokens: CurrentTokens, resources: CurrentResources
) -> Registrant:
    """Whose agent is to be registered: that of the user who calls, or of an enrolment's owner."""
    if credential is not None and credential.startswith(ENROLMENT_MARK):
        async with resources.database.read() as session:
            enrolment = await read_enrolment(session, tokens, credential)
        credential_accepted(request.scope)
        return Registrant(enrolment.owner_id, enrolment.id)
    actor = await acting_user(await actor_of_scope(request.scope))
    return Registrant(actor.viewer.user_id)


CurrentRegistrant = Annotated[Registrant, Depends(registrant)]
