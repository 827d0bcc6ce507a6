from fastapi import status

from hubbub.agents.dependencies import ActingUser, AgentId
from hubbub.agents.errors import AgentNotFound, NotAnAgent, NotYourAgent, UserRequired
from hubbub.agents.schemas import KeyRotate, KeyRotated
from hubbub.agents.service import keys
from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.kit.http.dependencies import CurrentResources, WriteSession
from hubbub.kit.http.idempotency import Once
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.idempotency import InvalidKey, KeyReused

router = ApiRouter(prefix="/agents/{agent_id}/key", tags=["Agents"])


@router.post(
    "",
    summary="Give an agent a new key",
    description="The present key counts for `overlap_seconds` more, so that the agent can change"
    " over; one that was replaced before it ends now.",
    status_code=status.HTTP_201_CREATED,
    responses=responses(
        InvalidToken,
        ScopeMissing,
        UserRequired,
        NotYourAgent,
        AgentNotFound,
        NotAnAgent,
        InvalidKey,
        KeyReused,
    ),
)
async def rotate_agent_key(
    agent_id: AgentId,
    actor: ActingUser,
    session: WriteSession,
    resources: CurrentResources,
    once: Once,
    rotate: KeyRotate | None = None,
) -> KeyRotated:
    how = rotate or KeyRotate()
    making = keys.rotate_key(session, resources.clock, actor, agent_id, how.overlap_seconds)
    return await once(session, actor.identity, how, making)
