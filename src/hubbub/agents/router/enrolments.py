from typing import Annotated
from uuid import UUID

from fastapi import Path, status

from hubbub.agents import queries
from hubbub.agents.errors import EnrolmentNotFound
from hubbub.agents.schemas import EnrolmentCreate, EnrolmentCreated, EnrolmentRead
from hubbub.agents.service import enrolments
from hubbub.auth.dependencies import CurrentCaller, CurrentTokens, SignedInCaller
from hubbub.auth.errors import InvalidToken, ScopeMissing, SessionRequired
from hubbub.kit.http.dependencies import Page, ReadSession, WriteSession
from hubbub.kit.http.idempotency import Once
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.idempotency import InvalidKey, KeyReused
from hubbub.kit.pagination import InvalidCursor, PageOf

router = ApiRouter(prefix="/enrolments", tags=["Agents"])


@router.get(
    "",
    summary="List my enrolments",
    description="Those with which an agent can still register.",
    responses=responses(InvalidCursor, InvalidToken, ScopeMissing),
)
async def list_enrolments(
    caller: CurrentCaller, session: ReadSession, tokens: CurrentTokens, page: Page
) -> PageOf[EnrolmentRead]:
    rows, cursor = await queries.list_enrolments(session, caller, tokens.now(), page)
    return PageOf(items=[EnrolmentRead.model_validate(row) for row in rows], next_cursor=cursor)


@router.post(
    "",
    summary="Let agents register themselves",
    description="The token is shown in this answer and never again.",
    status_code=status.HTTP_201_CREATED,
    responses=responses(InvalidToken, ScopeMissing, SessionRequired, InvalidKey, KeyReused),
)
async def create_enrolment(
    new: EnrolmentCreate,
    caller: SignedInCaller,
    session: WriteSession,
    tokens: CurrentTokens,
    once: Once,
) -> EnrolmentCreated:
    making = enrolments.create_enrolment(session, tokens, caller, new)
    return await once(session, caller.identity, new, making)


@router.delete(
    "/{enrolment_id}",
    summary="Revoke an enrolment",
    description="The agents that have registered with it stay.",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=responses(InvalidToken, ScopeMissing, EnrolmentNotFound),
)
async def revoke_enrolment(
    enrolment_id: Annotated[UUID, Path(description="One of your own.")],
    caller: CurrentCaller,
    session: WriteSession,
) -> None:
    await enrolments.revoke_enrolment(session, caller, enrolment_id)
