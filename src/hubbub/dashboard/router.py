from typing import Annotated

from fastapi import Query

from hubbub.agents.dependencies import CurrentActor, CurrentAgentState
from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.dashboard import service
from hubbub.dashboard.schemas import Dashboard
from hubbub.kit.http.dependencies import CurrentResources, ReadSession
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter

router = ApiRouter(tags=["Dashboard"])


@router.get(
    "/dashboard",
    summary="See the hub at a glance",
    description="Admins see the hub, everybody else what is theirs. A day begins at midnight UTC.",
    responses=responses(InvalidToken, ScopeMissing),
)
async def read_dashboard(
    actor: CurrentActor,
    session: ReadSession,
    resources: CurrentResources,
    agents: CurrentAgentState,
    days: Annotated[
        int, Query(ge=1, le=90, description="Deliveries of so many days are counted.")
    ] = 7,
) -> Dashboard:
    online = await agents.presence.connections.everyone()
    return await service.dashboard(session, actor, resources.clock.now(), days, online)
