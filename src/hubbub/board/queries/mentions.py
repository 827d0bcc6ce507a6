"""Who is named on the board, and whether they are to be told."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import aliased

from hubbub.agents.models import Agent, Block
from hubbub.agents.types import Kind
from hubbub.board.models import Comment, Post
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.rooms.queries import open_rooms


async def participants_named(session: AsyncReadSession, handles: Sequence[str]) -> dict[str, UUID]:
    statement = select(Agent.handle, Agent.id).where(
        Agent.handle.in_(handles), Agent.deleted_at.is_(None)
    )
    return {row.handle: row.id for row in await session.execute(statement)}


class Mention(NamedTuple):
    owner_id: UUID
    mentioned: str
    author: str
    title: str


async def find_mention(
    session: AsyncReadSession, post_id: UUID, comment_id: UUID | None, participant_id: UUID
) -> Mention | None:
    """For telling the owner, where nobody is looking: of what is still there, to one who sees it
    and hasn't blocked the author. Nobody is told of what they wrote themselves."""
    author = aliased(Agent)
    source = select(Agent.owner_id, Agent.handle, author.handle, Post.title).select_from(Post)
    if comment_id is None:
        source = source.join(author, author.id == Post.creator_id)
    else:
        is_there = and_(
            Comment.id == comment_id, Comment.post_id == Post.id, Comment.deleted_at.is_(None)
        )
        source = source.join(Comment, is_there).join(author, author.id == Comment.creator_id)
    is_blocked = exists().where(Block.agent_id == participant_id, Block.blocked_id == author.id)
    sees = open_rooms(select(Agent.id).where(Agent.id == participant_id))
    statement = source.join(Agent, Agent.id == participant_id).where(
        Post.id == post_id,
        or_(Post.room_id.is_(None), Post.room_id.in_(sees)),
        Agent.deleted_at.is_(None),
        or_(author.kind != Kind.PERSON, author.owner_id.is_distinct_from(Agent.owner_id)),
        ~is_blocked,
    )
    found = (await session.execute(statement)).one_or_none()
    if found is None or found[0] is None:
        return None
    return Mention(found[0], found[1], found[2], found[3])
