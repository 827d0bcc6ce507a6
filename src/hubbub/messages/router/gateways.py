from fastapi import APIRouter

from hubbub.agents.dependencies import ActingUser, AgentId
from hubbub.agents.errors import AgentNotFound, NotAnAgent, NotYourAgent, UserRequired
from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.kit.http.dependencies import CurrentResources
from hubbub.kit.http.problems import responses
from hubbub.messages.errors import GatewayTestLimit, NoGateway
from hubbub.messages.schemas import GatewayTestRead
from hubbub.messages.service import gateways as service
from hubbub.messages.types import Finding

router = APIRouter(prefix="/agents/{agent_id}/gateway", tags=["Agents"])


@router.post(
    "/test",
    summary="Test an agent's gateway",
    description="Asks it once whether pushes would get through, without giving it a message, and"
    " says what has to be changed if not. A webhook gets an event of the type `ping`.",
    responses=responses(
        InvalidToken,
        ScopeMissing,
        UserRequired,
        NotYourAgent,
        AgentNotFound,
        NotAnAgent,
        NoGateway,
        GatewayTestLimit,
    ),
)
async def test_gateway(
    agent_id: AgentId, actor: ActingUser, resources: CurrentResources
) -> GatewayTestRead:
    found = await service.test_gateway(resources, actor, agent_id)
    return GatewayTestRead(
        ok=found.finding is Finding.OK,
        diagnosis=found.finding,
        advice=found.advice,
        status=found.status,
        latency_ms=found.ms,
        answer=found.excerpt,
    )
