from uuid import UUID

from sqlalchemy import delete

from hubbub.activity import service as activity
from hubbub.agents import queries
from hubbub.agents.errors import BlockNotFound, NotWithYourself
from hubbub.agents.models import Block
from hubbub.agents.schemas import BlockCreate, BlockRead
from hubbub.agents.service.reading import other
from hubbub.agents.service.rights import get_acting, get_other
from hubbub.agents.types import Actor
from hubbub.kit.db.dialect import insert_or_ignore
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.ids import new_id


def block_read(block: Block) -> BlockRead:
    return BlockRead(other=other(block.blocked), created_at=block.created_at)


async def block(
    session: AsyncWriteSession, actor: Actor, agent_id: UUID, new: BlockCreate
) -> BlockRead:
    """Blocking once more changes nothing."""
    agent = await get_acting(session, actor, agent_id)
    wanted = await get_other(session, actor, new.other)
    if wanted.id == agent.id:
        raise NotWithYourself
    row = {"id": new_id(), "agent_id": agent.id, "blocked_id": wanted.id}
    statement = insert_or_ignore(session, Block, unique=["agent_id", "blocked_id"]).values(row)
    if (await session.execute(statement.returning(Block.id))).first() is not None:
        activity.record(
            session,
            "agent.blocked",
            actor_id=actor.recorded_as,
            target_kind="agent",
            target_id=agent.id,
            other=wanted.handle,
        )
    found = await queries.find_block(session, agent.id, wanted.id)
    if found is None:
        raise BlockNotFound  # it was lifted in between
    return block_read(found)


async def unblock(
    session: AsyncWriteSession, actor: Actor, agent_id: UUID, blocked_id: UUID
) -> None:
    agent = await get_acting(session, actor, agent_id)
    statement = delete(Block).where(Block.agent_id == agent.id, Block.blocked_id == blocked_id)
    if (await session.execute(statement.returning(Block.id))).first() is None:
        raise BlockNotFound
    activity.record(
        session,
        "agent.unblocked",
        actor_id=actor.recorded_as,
        target_kind="agent",
        target_id=agent.id,
        other=str(blocked_id),
    )
