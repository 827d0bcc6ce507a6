"""Comments of a post that `find_post` or another of its kind has given."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute, joinedload, selectinload

from hubbub.agents.types import Actor
from hubbub.board.models import Comment, Post
from hubbub.board.queries.posts import sees_post
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.pagination import Order, PageRequest, paginate

_NEWEST = Order("comments", Comment.created_at, Comment.id, descending=True)


def _of(post: Post) -> Select[Comment]:
    return (
        select(Comment)
        .where(Comment.post_id == post.id)
        .options(joinedload(Comment.creator, innerjoin=True), selectinload(Comment.files))
    )


def sees_comment(actor: Actor, comment_id: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    """Whether somebody sees the one comment with the id in a column."""
    return exists().where(Comment.id == comment_id, sees_post(actor, Comment.post_id))


def ids_of_comments(post: Post) -> Select[UUID]:
    return select(Comment.id).where(Comment.post_id == post.id)


async def find_comment(session: AsyncReadSession, post: Post, comment_id: UUID) -> Comment | None:
    return (await session.scalars(_of(post).where(Comment.id == comment_id))).one_or_none()


async def lock_comment(session: AsyncWriteSession, post: Post, comment_id: UUID) -> Comment | None:
    statement = _of(post).where(Comment.id == comment_id).with_for_update(of=Comment)
    statement = statement.execution_options(populate_existing=True)
    return (await session.scalars(statement)).one_or_none()


async def list_comments(
    session: AsyncReadSession, post: Post, page: PageRequest, *, parent_id: UUID | None
) -> tuple[Sequence[Comment], str | None]:
    statement = _of(post)
    if parent_id is not None:
        statement = statement.where(Comment.parent_id == parent_id)
    return await paginate(session, statement, _NEWEST, page)


async def count_replies(
    session: AsyncReadSession, comment_ids: Sequence[UUID]
) -> Mapping[UUID, int]:
    statement = (
        select(Comment.parent_id, func.count())
        .where(Comment.parent_id.in_(comment_ids))
        .group_by(Comment.parent_id)
    )
    return {row[0]: row[1] for row in await session.execute(statement) if row[0] is not None}
