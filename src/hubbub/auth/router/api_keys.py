from typing import Annotated
from uuid import UUID

from fastapi import Path, status

from hubbub.auth import queries
from hubbub.auth.dependencies import CurrentCaller, CurrentTokens, SignedInCaller
from hubbub.auth.errors import ApiKeyNotFound, InvalidToken, ScopeMissing, SessionRequired
from hubbub.auth.schemas import ApiKeyCreate, ApiKeyCreated, ApiKeyRead
from hubbub.auth.service import api_keys
from hubbub.kit.http.dependencies import Page, ReadSession, WriteSession
from hubbub.kit.http.idempotency import Once
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.idempotency import InvalidKey, KeyReused
from hubbub.kit.pagination import InvalidCursor, PageOf

router = ApiRouter(prefix="/api-keys", tags=["API keys"])


@router.get(
    "", summary="List my API keys", responses=responses(InvalidCursor, InvalidToken, ScopeMissing)
)
async def list_api_keys(
    caller: CurrentCaller, session: ReadSession, tokens: CurrentTokens, page: Page
) -> PageOf[ApiKeyRead]:
    rows, cursor = await queries.list_api_keys(session, caller, tokens.now(), page)
    return PageOf(items=[ApiKeyRead.model_validate(row) for row in rows], next_cursor=cursor)


@router.post(
    "",
    summary="Make an API key",
    description="The key is shown in this answer and never again.",
    status_code=status.HTTP_201_CREATED,
    responses=responses(InvalidToken, ScopeMissing, SessionRequired, InvalidKey, KeyReused),
)
async def create_api_key(
    new: ApiKeyCreate, caller: SignedInCaller, session: WriteSession, once: Once
) -> ApiKeyCreated:
    making = api_keys.create_api_key(session, caller, new)
    return await once(session, caller.identity, new, making)


@router.delete(
    "/{api_key_id}",
    summary="Revoke an API key",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=responses(InvalidToken, ScopeMissing, ApiKeyNotFound),
)
async def revoke_api_key(
    api_key_id: Annotated[UUID, Path(description="One of your own keys.")],
    caller: CurrentCaller,
    session: WriteSession,
    tokens: CurrentTokens,
) -> None:
    await api_keys.revoke_api_key(session, tokens, caller, api_key_id)
