from fastapi import status

from hubbub.agents.dependencies import ActingUser, AgentId
from hubbub.agents.errors import AgentNotFound, NotAnAgent, NotYourAgent, UserRequired
from hubbub.agents.schemas import SigningSecretCreate, SigningSecretCreated
from hubbub.agents.service import signing
from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.kit.http.dependencies import CurrentResources, WriteSession
from hubbub.kit.http.idempotency import Once
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.idempotency import InvalidKey, KeyReused

router = ApiRouter(prefix="/agents/{agent_id}/gateway/secret", tags=["Agents"])


@router.post(
    "",
    summary="Give a webhook a new signing secret",
    description="Pushes are signed as Standard Webhooks has it. For `overlap_seconds` more they are"
    " signed with the present secret too, so that the receiver can change over.",
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
async def make_signing_secret(
    agent_id: AgentId,
    actor: ActingUser,
    session: WriteSession,
    resources: CurrentResources,
    once: Once,
    new: SigningSecretCreate | None = None,
) -> SigningSecretCreated:
    how = new or SigningSecretCreate()
    making = signing.make_secret(session, resources.safe, actor, agent_id, how.overlap_seconds)
    return await once(session, actor.identity, how, making)
