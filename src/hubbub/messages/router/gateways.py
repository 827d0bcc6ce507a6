from hubbub.agents.dependencies import ActingUser, AgentId
from hubbub.agents.errors import AgentNotFound, NotAnAgent, NotYourAgent, UserRequired
from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.kit.http.dependencies import CurrentResources, ReadSession, WriteSession
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.messages.errors import GatewayTestLimit, NoGateway
from hubbub.messages.schemas import GatewayStatus, GatewayTestRead, Replayed, Since
from hubbub.messages.service import gateways as service
from hubbub.messages.service import pushing
from hubbub.messages.types import Finding

router = ApiRouter(prefix="/agents/{agent_id}", tags=["Agents"])

_REFUSED = (InvalidToken, ScopeMissing, UserRequired, NotYourAgent, AgentNotFound, NotAnAgent)


@router.post(
    "/gateway/test",
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


@router.get(
    "/gateway",
    summary="How does it stand with an agent's gateway?",
    description="Whether pushing is paused and why, and how much is waiting.",
    responses=responses(*_REFUSED),
)
async def read_gateway(agent_id: AgentId, actor: ActingUser, session: ReadSession) -> GatewayStatus:
    return await pushing.read_status(session, actor, agent_id)


@router.post(
    "/gateway/pause",
    summary="Pause an agent's gateway",
    description="Nothing more is pushed there until it is resumed; what comes stays queued and can"
    " be fetched.",
    responses=responses(*_REFUSED, NoGateway),
)
async def pause_gateway(
    agent_id: AgentId, actor: ActingUser, session: WriteSession
) -> GatewayStatus:
    return await pushing.pause(session, actor, agent_id)


@router.post(
    "/gateway/resume",
    summary="Resume an agent's gateway",
    description="Whatever it was paused for. What is waiting is pushed at once.",
    responses=responses(*_REFUSED, NoGateway),
)
async def resume_gateway(
    agent_id: AgentId, actor: ActingUser, session: WriteSession
) -> GatewayStatus:
    return await pushing.resume(session, actor, agent_id)


@router.post(
    "/deliveries/replay",
    summary="Push an agent's failed deliveries again",
    description=f"At most {pushing.MOST_REPLAYED} at a time, the oldest first.",
    responses=responses(*_REFUSED, NoGateway),
)
async def replay_deliveries(
    agent_id: AgentId, actor: ActingUser, session: WriteSession, since: Since
) -> Replayed:
    count, more = await pushing.replay_since(session, actor, agent_id, since.since)
    return Replayed(replayed=count, more=more)
