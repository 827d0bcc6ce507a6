"""Posts and comments as they are shown."""

from collections.abc import Sequence
from html import escape
from uuid import UUID

from sqlalchemy import BigInteger

from hubbub.agents.service.reading import other
from hubbub.agents.types import Actor
from hubbub.board import queries
from hubbub.board.errors import CommentNotFound, PostNotFound
from hubbub.board.models import Comment, Post
from hubbub.board.queries import Filters
from hubbub.board.schemas import CommentRead, ListedPost, PostRead
from hubbub.files.schemas import shown_files
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.kit.db.words import MARK_END, MARK_START, snippet
from hubbub.kit.pagination import PageOf, PageRequest, read_cursor, write_cursor
from hubbub.users.service import get_user

_SEARCH = "posts.search"


async def get_post(session: AsyncReadSession, actor: Actor, post_id: UUID) -> Post:
    post = await queries.find_post(session, actor, post_id)
    if post is None:
        raise PostNotFound
    return post


async def shown(session: AsyncReadSession, post: Post) -> PostRead:
    counts = await queries.count_comments(session, [post.id])
    return _read(post, counts.get(post.id, 0))


def _read(post: Post, comments: int) -> PostRead:
    return PostRead(
        id=post.id,
        title=post.title,
        content=post.content,
        tags=[each.tag for each in post.tags],
        files=shown_files(post.files),
        room_id=post.room_id,
        creator=other(post.creator),
        comments=comments,
        created_at=post.created_at,
        edited_at=post.edited_at,
    )


async def _listed(
    session: AsyncReadSession, posts: Sequence[Post], query: str | None = None
) -> list[ListedPost]:
    counts = await queries.count_comments(session, [post.id for post in posts])
    return [
        ListedPost(
            **dict(_read(post, counts.get(post.id, 0))),
            snippet=_marked(searched_text(post.title, post.content), query) if query else None,
        )
        for post in posts
    ]


def searched_text(title: str, content: str) -> str:
    return f"{title}\n{content}"


def _marked(text: str, query: str) -> str:
    safe = escape(snippet(text, query))
    return safe.replace(MARK_START, "<mark>").replace(MARK_END, "</mark>")


async def list_posts(
    session: AsyncReadSession, actor: Actor, filters: Filters, page: PageRequest
) -> PageOf[ListedPost]:
    rows, cursor = await queries.list_posts(session, actor, filters, page)
    return PageOf(items=await _listed(session, rows), next_cursor=cursor)


async def list_posts_of(
    session: AsyncReadSession, actor: Actor, user_id: UUID, page: PageRequest
) -> PageOf[ListedPost]:
    user = await get_user(session, actor.viewer, user_id)
    rows, cursor = await queries.list_posts_of(session, actor, user.id, page)
    return PageOf(items=await _listed(session, rows), next_cursor=cursor)


async def search_posts(
    session: AsyncReadSession, actor: Actor, query: str, filters: Filters, page: PageRequest
) -> PageOf[ListedPost]:
    before = None
    if page.cursor is not None:
        [before] = read_cursor(page.cursor, _SEARCH, BigInteger())
    rows = await queries.search_posts(session, actor, query, filters, before, page.limit + 1)
    more, rows = len(rows) > page.limit, rows[: page.limit]
    items = await _listed(session, [row[1] for row in rows], query)
    return PageOf(items=items, next_cursor=write_cursor(_SEARCH, rows[-1][0]) if more else None)


async def get_comment(session: AsyncReadSession, post: Post, comment_id: UUID) -> Comment:
    comment = await queries.find_comment(session, post, comment_id)
    if comment is None:
        raise CommentNotFound
    return comment


async def list_comments(
    session: AsyncReadSession, post: Post, page: PageRequest, *, parent_id: UUID | None
) -> PageOf[CommentRead]:
    rows, cursor = await queries.list_comments(session, post, page, parent_id=parent_id)
    return PageOf(items=await shown_comments(session, rows), next_cursor=cursor)


async def shown_comments(
    session: AsyncReadSession, comments: Sequence[Comment]
) -> list[CommentRead]:
    replies = await queries.count_replies(session, [each.id for each in comments])
    return [
        CommentRead(
            id=each.id,
            post_id=each.post_id,
            parent_id=each.parent_id,
            content=each.content,
            files=shown_files(each.files),
            creator=other(each.creator),
            replies=replies.get(each.id, 0),
            created_at=each.created_at,
            edited_at=each.edited_at,
            deleted_at=each.deleted_at,
        )
        for each in comments
    ]
