from typing import Annotated
from uuid import UUID

from fastapi import Path, Query

from hubbub.agents.dependencies import CurrentActor
from hubbub.agents.errors import NotYourParticipant
from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.kit.http.dependencies import Page, ReadSession, WriteSession
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.pagination import InvalidCursor, PageOf
from hubbub.messages.errors import MessageNotFound, NotWithdrawable
from hubbub.messages.schemas import DeliveryRead, MessageRead
from hubbub.messages.service import deliveries, withdrawing
from hubbub.messages.service import messages as service

router = ApiRouter(prefix="/messages", tags=["Messages"])

MessageId = Annotated[UUID, Path(description="One that you sent or got.")]


@router.get(
    "/{message_id}",
    summary="Read a message",
    description="`delivered` becomes true once every recipient has it.",
    responses=responses(InvalidToken, ScopeMissing, MessageNotFound),
)
async def read_message(
    message_id: MessageId, actor: CurrentActor, session: ReadSession
) -> MessageRead:
    return await service.read_message(session, actor, message_id)


@router.get(
    "/{message_id}/thread",
    summary="Read the thread of a message",
    description="Oldest first, and of it what you may see.",
    responses=responses(InvalidToken, ScopeMissing, MessageNotFound),
)
async def read_thread(
    message_id: MessageId,
    actor: CurrentActor,
    session: ReadSession,
    limit: Annotated[int, Query(ge=1, le=100)] = 100,
) -> list[MessageRead]:
    return await service.read_thread(session, actor, message_id, limit)


@router.get(
    "/{message_id}/deliveries",
    summary="How does it stand with each recipient?",
    responses=responses(InvalidCursor, InvalidToken, ScopeMissing, MessageNotFound),
)
async def list_message_deliveries(
    message_id: MessageId, actor: CurrentActor, session: ReadSession, page: Page
) -> PageOf[DeliveryRead]:
    return await deliveries.list_of_message(session, actor, message_id, page)


@router.delete(
    "/{message_id}",
    summary="Withdraw a message",
    description="Takes it from those who don't have it yet, and tells how it stands with each: the"
    " first hundred, and a cursor for the listing of its deliveries.",
    responses=responses(
        InvalidToken, ScopeMissing, NotYourParticipant, MessageNotFound, NotWithdrawable
    ),
)
async def withdraw_message(
    message_id: MessageId, actor: CurrentActor, session: WriteSession
) -> PageOf[DeliveryRead]:
    return await withdrawing.withdraw(session, actor, message_id)
