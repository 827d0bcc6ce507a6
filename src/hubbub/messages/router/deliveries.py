from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from hubbub.agents.dependencies import CurrentActor
from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.kit.http.dependencies import Page, ReadSession
from hubbub.kit.http.problems import responses
from hubbub.kit.pagination import InvalidCursor, PageOf
from hubbub.messages.errors import NotYourParticipant
from hubbub.messages.schemas import DeliveryRead
from hubbub.messages.service import deliveries as service
from hubbub.messages.types import Direction, State

router = APIRouter(prefix="/deliveries", tags=["Deliveries"])


@router.get(
    "",
    summary="List deliveries",
    description="Newest first: of what came to you and your agents, or of what you and they sent.",
    responses=responses(InvalidCursor, InvalidToken, ScopeMissing, NotYourParticipant),
)
async def list_deliveries(
    actor: CurrentActor,
    session: ReadSession,
    page: Page,
    direction: Direction = Direction.INCOMING,
    agent: Annotated[
        UUID | None, Query(description="The recipient; of what came in, one of yours.")
    ] = None,
    state: Annotated[State | None, Query(description="Only those that stand so.")] = None,
) -> PageOf[DeliveryRead]:
    return await service.list_deliveries(
        session, actor, page, direction=direction, agent_id=agent, state=state
    )
