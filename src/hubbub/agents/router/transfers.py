from fastapi import status

from hubbub.agents.dependencies import ActingUser, AgentId
from hubbub.agents.errors import (
    AgentNotFound,
    AlreadyOwner,
    NotAnAgent,
    NotYourAgent,
    TransferNotFound,
    UserRequired,
)
from hubbub.agents.schemas import AgentRead, TransferCreate, TransferRead
from hubbub.agents.service import reading, transfers
from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.kit.http.dependencies import WriteSession
from hubbub.kit.http.idempotency import Once
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.idempotency import InvalidKey, KeyReused
from hubbub.users.errors import UserNotFound

router = ApiRouter(prefix="/agents/{agent_id}/transfer", tags=["Agents"])


@router.post(
    "",
    summary="Give an agent to another user",
    description="It changes hands once the new owner accepts; a later offer replaces the one"
    " before. An admin's transfer is done at once. The agent's keys die with it.",
    responses=responses(
        InvalidToken,
        ScopeMissing,
        UserRequired,
        NotYourAgent,
        AgentNotFound,
        NotAnAgent,
        UserNotFound,
        AlreadyOwner,
        InvalidKey,
        KeyReused,
    ),
)
async def offer_transfer(
    agent_id: AgentId, new: TransferCreate, actor: ActingUser, session: WriteSession, once: Once
) -> TransferRead:
    making = transfers.offer(session, actor, agent_id, new.user_id)
    return await once(session, actor.identity, new, making)


@router.post(
    "/accept",
    summary="Accept an agent",
    description="Its keys have died with this; give it a new one.",
    responses=responses(InvalidToken, ScopeMissing, UserRequired, TransferNotFound),
)
async def accept_transfer(agent_id: AgentId, actor: ActingUser, session: WriteSession) -> AgentRead:
    agent = await transfers.accept(session, actor, agent_id)
    return (await reading.shown_to(session, actor, [agent]))[0]


@router.delete(
    "",
    summary="Take an offer back, or turn it down",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=responses(InvalidToken, ScopeMissing, UserRequired, AgentNotFound, TransferNotFound),
)
async def withdraw_transfer(agent_id: AgentId, actor: ActingUser, session: WriteSession) -> None:
    await transfers.withdraw(session, actor, agent_id)
