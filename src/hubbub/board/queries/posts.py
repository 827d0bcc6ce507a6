"""Which posts there are for somebody: those for everybody, those in public rooms, and those in the
rooms that they, or an agent of theirs, are in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, joinedload, selectinload

from hubbub.agents.models import Agent
from hubbub.agents.queries import spoken_for
from hubbub.agents.types import Actor
from hubbub.board.models import Comment, Post, PostTag
from hubbub.kit.db import search
from hubbub.kit.db.dialect import either
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.pagination import Order, PageRequest, paginate
from hubbub.rooms.queries import is_open, open_rooms

SEARCH_KIND = "post"
_NEWEST = Order("posts", Post.created_at, Post.id, descending=True)
_WHOLE = (
    joinedload(Post.creator, innerjoin=True),
    selectinload(Post.tags),
    selectinload(Post.files),
)


@dataclass(frozen=True, slots=True)
class Filters:
    room: UUID | None = None
    creator: UUID | None = None
    tag: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.room is not None:
            found.append(Post.room_id == self.room)
        if self.creator is not None:
            found.append(Post.creator_id == self.creator)
        if self.tag is not None:
            tagged = select(PostTag.post_id).where(PostTag.tag == self.tag.lower())
            found.append(Post.id.in_(tagged))
        return found


def _visible(actor: Actor) -> ColumnElement[bool]:
    return either(Post.room_id.is_(None), Post.room_id.in_(open_rooms(spoken_for(actor))))


def sees_post(actor: Actor, post_id: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    """The same of the one post with the id in a column."""
    is_for_all = Post.room_id.is_(None)
    return exists().where(
        Post.id == post_id, or_(is_for_all, is_open(Post.room_id, spoken_for(actor)))
    )


def visible_ids(actor: Actor) -> Select[UUID]:
    return select(Post.id).where(_visible(actor))


def _one(actor: Actor, post_id: UUID) -> Select[Post]:
    return select(Post).where(Post.id == post_id, _visible(actor)).options(*_WHOLE)


async def find_post(session: AsyncReadSession, actor: Actor, post_id: UUID) -> Post | None:
    return (await session.scalars(_one(actor, post_id))).one_or_none()


async def lock_post(session: AsyncWriteSession, actor: Actor, post_id: UUID) -> Post | None:
    statement = _one(actor, post_id).with_for_update(of=Post)
    statement = statement.execution_options(populate_existing=True)
    return (await session.scalars(statement)).one_or_none()


async def keep_post(session: AsyncWriteSession, actor: Actor, post_id: UUID) -> Post | None:
    """One that nobody deletes before this ends."""
    statement = _one(actor, post_id).with_for_update(of=Post, read=True)
    return (await session.scalars(statement)).one_or_none()


async def list_posts(
    session: AsyncReadSession, actor: Actor, filters: Filters, page: PageRequest
) -> tuple[Sequence[Post], str | None]:
    statement = select(Post).where(_visible(actor), *filters.conditions()).options(*_WHOLE)
    return await paginate(session, statement, _NEWEST, page)


async def search_posts(
    session: AsyncReadSession,
    actor: Actor,
    query: str,
    filters: Filters,
    before: int | None,
    limit: int,
) -> Sequence[Row[int, Post]]:
    """With the place of each in the index, the last first."""
    found = search.newest(session.get_bind().dialect.name, SEARCH_KIND, query, (), before)
    statement = (
        found.join(Post, Post.id == search.SearchEntry.object_id)
        .where(_visible(actor), *filters.conditions())
        .with_only_columns(search.SearchEntry.id, Post)
        .options(*_WHOLE)
        .limit(limit)
    )
    return (await session.execute(statement)).all()


async def list_posts_of(
    session: AsyncReadSession, actor: Actor, user_id: UUID, page: PageRequest
) -> tuple[Sequence[Post], str | None]:
    """What a user wrote in person. Whose the agents are is not for everybody to know."""
    person = select(Agent.id).where(Agent.person_of == user_id)
    statement = select(Post).where(Post.creator_id.in_(person), _visible(actor)).options(*_WHOLE)
    return await paginate(session, statement, _NEWEST, page)


async def count_comments(session: AsyncReadSession, post_ids: Sequence[UUID]) -> Mapping[UUID, int]:
    """Of posts that a finder has given."""
    statement = (
        select(Comment.post_id, func.count())
        .where(Comment.post_id.in_(post_ids), Comment.deleted_at.is_(None))
        .group_by(Comment.post_id)
    )
    return {row[0]: row[1] for row in await session.execute(statement)}
