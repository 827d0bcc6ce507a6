"""Commenting on posts."""

from uuid import UUID

from pydantic import MISSING

from hubbub.agents.service.acting import lock_acting_as
from hubbub.agents.types import Actor
from hubbub.board import queries
from hubbub.board.errors import (
    CommentDeleted,
    CommentNotFound,
    CommentTooDeep,
    NotYourComment,
    PostNotFound,
)
from hubbub.board.models import COMMENT, Comment, Post
from hubbub.board.schemas import CommentCreate, CommentRead, CommentUpdate
from hubbub.board.service.mentions import tell_the_named
from hubbub.board.service.reading import shown_comments
from hubbub.board.service.recording import record
from hubbub.board.service.speaking import check_may_change
from hubbub.files.service.attaching import attach, detach
from hubbub.kit.db.dialect import db_now
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.ids import new_id
from hubbub.messages.service.speaking import check_speaks_in


async def create_comment(
    session: AsyncWriteSession, actor: Actor, post_id: UUID, new: CommentCreate
) -> CommentRead:
    creator_id = await lock_acting_as(session, actor, new.agent_id)
    post = await _keep_post(session, actor, post_id)
    if post.room_id is not None:
        await check_speaks_in(session, actor, creator_id, post.room_id)
    if new.parent_id is not None:
        await _check_parent(session, post, new.parent_id)
    comment = Comment(
        id=new_id(),
        post_id=post.id,
        parent_id=new.parent_id,
        creator_id=creator_id,
        content=new.content,
    )
    session.add(comment)
    await session.flush()
    await attach(session, actor, COMMENT, comment.id, new.file_ids)
    await tell_the_named(session, creator_id, post.id, comment.id, now=new.content)
    record(session, actor, "comment", "created", comment.id)
    await session.flush()
    await session.refresh(comment, ["created_at", "creator", "files"])
    return (await shown_comments(session, [comment]))[0]


async def _check_parent(session: AsyncWriteSession, post: Post, parent_id: UUID) -> None:
    """Locked: one that is deleted meanwhile would take the answer with it."""
    parent = await queries.lock_comment(session, post, parent_id)
    if parent is None:
        raise CommentNotFound
    if parent.deleted_at is not None:
        raise CommentDeleted
    if parent.parent_id is not None:
        raise CommentTooDeep


async def update_comment(
    session: AsyncWriteSession,
    actor: Actor,
    post_id: UUID,
    comment_id: UUID,
    changes: CommentUpdate,
) -> CommentRead:
    post, comment = await _lock_own(session, actor, post_id, comment_id)
    await check_may_change(session, actor, post, comment.creator_id)
    if comment.deleted_at is not None:
        raise CommentDeleted
    before = comment.content
    content = before if changes.content is MISSING else changes.content
    has_other_files = False
    if changes.file_ids is not MISSING:
        attached = [each.id for each in comment.files]
        has_other_files = await attach(
            session, actor, COMMENT, comment.id, changes.file_ids, before=attached
        )
    if content != before or has_other_files:
        comment.content, comment.edited_at = content, db_now()
        await session.flush()
        await tell_the_named(
            session, comment.creator_id, post_id, comment.id, now=content, before=before
        )
        record(session, actor, "comment", "updated", comment.id)
        await session.refresh(comment, ["edited_at", "files"])
    return (await shown_comments(session, [comment]))[0]


async def delete_comment(
    session: AsyncWriteSession, actor: Actor, post_id: UUID, comment_id: UUID
) -> None:
    """What others answered stays."""
    _, comment = await _lock_own(session, actor, post_id, comment_id)
    if comment.deleted_at is not None:
        raise CommentDeleted
    await detach(session, COMMENT, [comment.id])
    if await queries.count_replies(session, [comment.id]):
        comment.content, comment.deleted_at = "", db_now()
    else:
        await session.delete(comment)
        await session.flush()
        if comment.parent_id is not None:
            await _tidy(session, comment.parent_id)
    record(session, actor, "comment", "deleted", comment.id)


async def _tidy(session: AsyncWriteSession, parent_id: UUID) -> None:
    """What stayed for its answers alone goes with the last of them."""
    parent = await session.get(Comment, parent_id, with_for_update=True, populate_existing=True)
    if parent is None or parent.deleted_at is None:
        return
    if not await queries.count_replies(session, [parent.id]):
        await session.delete(parent)


async def _lock_own(
    session: AsyncWriteSession, actor: Actor, post_id: UUID, comment_id: UUID
) -> tuple[Post, Comment]:
    post = await _keep_post(session, actor, post_id)
    comment = await queries.lock_comment(session, post, comment_id)
    if comment is None:
        raise CommentNotFound
    if not actor.is_admin and not actor.speaks_as(comment.creator_id, comment.creator.owner_id):
        raise NotYourComment
    return post, comment


async def _keep_post(session: AsyncWriteSession, actor: Actor, post_id: UUID) -> Post:
    post = await queries.keep_post(session, actor, post_id)
    if post is None:
        raise PostNotFound
    return post
