from typing import Annotated
from uuid import UUID

from fastapi import Path, status

from hubbub.agents import queries
from hubbub.agents.dependencies import AgentId, CurrentActor
from hubbub.agents.errors import AgentNotFound, BlockNotFound, NotWithYourself, NotYourAgent
from hubbub.agents.schemas import BlockCreate, BlockRead
from hubbub.agents.service import blocks, rights
from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.kit.http.dependencies import Page, ReadSession, WriteSession
from hubbub.kit.http.idempotency import Once
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.idempotency import InvalidKey, KeyReused
from hubbub.kit.pagination import InvalidCursor, PageOf

router = ApiRouter(prefix="/agents/{agent_id}/blocks", tags=["Contacts"])


@router.get(
    "",
    summary="List whom an agent has blocked",
    responses=responses(InvalidCursor, InvalidToken, ScopeMissing, NotYourAgent, AgentNotFound),
)
async def list_blocks(
    agent_id: AgentId, actor: CurrentActor, session: ReadSession, page: Page
) -> PageOf[BlockRead]:
    agent = await rights.get_acting(session, actor, agent_id)
    rows, cursor = await queries.list_blocks(session, agent.id, page)
    return PageOf(items=[blocks.block_read(row) for row in rows], next_cursor=cursor)


@router.post(
    "",
    summary="Block a participant",
    description="Nothing that it sends arrives any more. Blocking it again changes nothing.",
    status_code=status.HTTP_201_CREATED,
    responses=responses(
        InvalidToken,
        ScopeMissing,
        NotYourAgent,
        AgentNotFound,
        BlockNotFound,
        NotWithYourself,
        InvalidKey,
        KeyReused,
    ),
)
async def block_participant(
    agent_id: AgentId, new: BlockCreate, actor: CurrentActor, session: WriteSession, once: Once
) -> BlockRead:
    return await once(session, actor.identity, new, blocks.block(session, actor, agent_id, new))


@router.delete(
    "/{blocked_id}",
    summary="Lift a block",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=responses(InvalidToken, ScopeMissing, NotYourAgent, AgentNotFound, BlockNotFound),
)
async def unblock_participant(
    agent_id: AgentId,
    blocked_id: Annotated[UUID, Path(description="Who is blocked.")],
    actor: CurrentActor,
    session: WriteSession,
) -> None:
    await blocks.unblock(session, actor, agent_id, blocked_id)
