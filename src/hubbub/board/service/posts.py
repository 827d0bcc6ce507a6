"""Writing, changing and deleting posts."""

from typing import Any
from uuid import UUID

from hubbub.agents.service.acting import lock_acting_as
from hubbub.agents.types import Actor
from hubbub.board import queries
from hubbub.board.errors import NotYourPost, PostNotFound
from hubbub.board.models import COMMENT, POST, Post, PostTag
from hubbub.board.schemas import PostCreate, PostRead, PostReplace, PostUpdate
from hubbub.board.service.mentions import tell_the_named
from hubbub.board.service.reading import searched_text, shown
from hubbub.board.service.recording import record
from hubbub.board.service.speaking import check_may_change
from hubbub.files.service.attaching import attach, detach
from hubbub.kit.db import search
from hubbub.kit.db.dialect import db_now
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.ids import new_id
from hubbub.messages.service.speaking import check_speaks_in


async def create_post(session: AsyncWriteSession, actor: Actor, new: PostCreate) -> PostRead:
    creator_id = await lock_acting_as(session, actor, new.agent_id)
    if new.room_id is not None:
        await check_speaks_in(session, actor, creator_id, new.room_id)
    post = Post(
        id=new_id(),
        title=new.title,
        content=new.content,
        creator_id=creator_id,
        room_id=new.room_id,
        tags=[PostTag(tag=tag) for tag in new.tags],
    )
    session.add(post)
    await _index(session, post)
    await attach(session, actor, POST, post.id, new.file_ids)
    await tell_the_named(session, creator_id, post.id, None, now=new.content)
    record(session, actor, "post", "created", post.id)
    await session.flush()
    await session.refresh(post, ["created_at", "creator", "tags", "files"])
    return await shown(session, post)


async def update_post(
    session: AsyncWriteSession, actor: Actor, post_id: UUID, changes: PostReplace | PostUpdate
) -> PostRead:
    post = await _lock_own(session, actor, post_id)
    await check_may_change(session, actor, post, post.creator_id)
    before = {
        "title": post.title,
        "content": post.content,
        "tags": [each.tag for each in post.tags],
        "file_ids": [each.id for each in post.files],
    }
    wanted: dict[str, Any] = changes.model_dump()
    changed = [name for name, value in wanted.items() if before[name] != value]
    if changed:
        post.title = wanted.get("title", post.title)
        post.content = wanted.get("content", post.content)
        post.edited_at = db_now()
        if "tags" in changed:
            kept = {each.tag: each for each in post.tags}
            post.tags = [kept.get(tag) or PostTag(tag=tag) for tag in wanted["tags"]]
        if "file_ids" in changed:
            attached = [each.id for each in post.files]
            await attach(session, actor, POST, post.id, wanted["file_ids"], before=attached)
        await _index(session, post)
        await tell_the_named(
            session,
            post.creator_id,
            post.id,
            None,
            now=post.content,
            before=str(before["content"]),
        )
        record(session, actor, "post", "updated", post.id, fields=", ".join(sorted(changed)))
        await session.refresh(post, ["edited_at", "tags", "files"])
    return await shown(session, post)


async def delete_post(session: AsyncWriteSession, actor: Actor, post_id: UUID) -> None:
    post = await _lock_own(session, actor, post_id)
    await detach(session, COMMENT, queries.ids_of_comments(post))
    await detach(session, POST, [post.id])
    await session.delete(post)
    await search.remove(session, queries.SEARCH_KIND, post.id)
    record(session, actor, "post", "deleted", post.id)


async def _lock_own(session: AsyncWriteSession, actor: Actor, post_id: UUID) -> Post:
    post = await queries.lock_post(session, actor, post_id)
    if post is None:
        raise PostNotFound
    if not actor.is_admin and not actor.speaks_as(post.creator_id, post.creator.owner_id):
        raise NotYourPost
    return post


async def _index(session: AsyncWriteSession, post: Post) -> None:
    await session.flush()
    text = searched_text(post.title, post.content)
    await search.put(session, queries.SEARCH_KIND, post.id, text)
