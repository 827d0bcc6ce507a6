"""Who is calling, as a participant."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Request
from starlette.requests import HTTPConnection

from hubbub.agents.credentials import actor_of
from hubbub.agents.errors import UserRequired
from hubbub.agents.service.enrolments import read_enrolment
from hubbub.agents.service.registration import Registrant
from hubbub.agents.state import AgentState
from hubbub.agents.types import ENROLMENT_MARK, Actor
from hubbub.auth.dependencies import Credential, CurrentTokens, check_scope
from hubbub.auth.errors import InvalidToken
from hubbub.auth.tokens import Tokens
from hubbub.kit.errors import Unauthenticated
from hubbub.kit.http.dependencies import CurrentResources
from hubbub.kit.http.limits import credential_accepted
from hubbub.kit.resources import Resources

AgentId = Annotated[UUID, Path(description="The participant's id.")]


async def get_agent_state(connection: HTTPConnection) -> AgentState:
    state: AgentState = connection.app.state.agents
    return state


CurrentAgentState = Annotated[AgentState, Depends(get_agent_state)]


async def current_actor(request: Request, credential: Credential) -> Actor:
    return await _identified(request, credential)


async def actor_of_request(request: Request) -> Actor:
    """The same, for a route that reads its request itself."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else None
    return await _identified(request, bearer or request.headers.get("x-api-key"))


async def _identified(request: Request, credential: str | None) -> Actor:
    if not credential:
        msg = "Send Authorization: Bearer with an agent's key, an access token or an API key."
        raise Unauthenticated(msg)
    state: AgentState = request.app.state.agents
    resources: Resources = request.app.state.resources
    tokens = Tokens(resources.keys, resources.settings.auth, resources.clock)
    actor = await actor_of(state.credentials, credential, tokens)
    if actor is None:
        raise InvalidToken
    credential_accepted(request)
    check_scope(actor.scopes, request.method)
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
        credential_accepted(request)
        return Registrant(enrolment.owner_id, enrolment.id)
    actor = await acting_user(await _identified(request, credential))
    return Registrant(actor.viewer.user_id)


CurrentRegistrant = Annotated[Registrant, Depends(registrant)]
