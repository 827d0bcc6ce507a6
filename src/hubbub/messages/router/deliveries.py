from typing import Annotated
from uuid import UUID

from fastapi import Path, Query

from hubbub.agents.dependencies import ActingUser, CurrentActor
from hubbub.agents.errors import NotYourParticipant, UserRequired
from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.kit.http.dependencies import Page, ReadSession, WriteSession
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.pagination import InvalidCursor, PageOf
from hubbub.messages.errors import DeliveryNotFound, NoGateway, NotFailed
from hubbub.messages.schemas import AttemptRead, DeliveryRead
from hubbub.messages.service import deliveries as service
from hubbub.messages.service import pushing
from hubbub.messages.service.messages import shown_deliveries
from hubbub.messages.types import Direction, State

router = ApiRouter(prefix="/deliveries", tags=["Deliveries"])

DeliveryId = Annotated[str, Path(max_length=100, description="One to an agent of yours.")]


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


@router.get(
    "/{delivery_id}/attempts",
    summary="List the attempts to push a delivery",
    description="In their order, for the owner of the recipient and admins.",
    responses=responses(InvalidToken, ScopeMissing, UserRequired, DeliveryNotFound),
)
async def list_attempts(
    delivery_id: DeliveryId, actor: ActingUser, session: ReadSession
) -> list[AttemptRead]:
    found = await pushing.list_attempts(session, actor, delivery_id)
    return [AttemptRead.model_validate(each) for each in found]


@router.post(
    "/{delivery_id}/replay",
    summary="Push a failed delivery again",
    description="At once, and then by the whole schedule anew. For the owner of the recipient and"
    " admins.",
    responses=responses(
        InvalidToken, ScopeMissing, UserRequired, DeliveryNotFound, NoGateway, NotFailed
    ),
)
async def replay_delivery(
    delivery_id: DeliveryId, actor: ActingUser, session: WriteSession
) -> DeliveryRead:
    delivery = await pushing.replay(session, actor, delivery_id)
    [shown] = await shown_deliveries(session, actor, [delivery])
    return shown
