from typing import Annotated
from uuid import UUID

from fastapi import Path, status

from hubbub.agents.dependencies import CurrentActor
from hubbub.agents.errors import NotYourParticipant
from hubbub.board.dependencies import ALWAYS, OF_POST, PostFilters, PostId, Search
from hubbub.board.errors import NotYourPost
from hubbub.board.schemas import ListedPost, PostCreate, PostRead, PostReplace, PostUpdate
from hubbub.board.service import posts as service
from hubbub.board.service import reading
from hubbub.files.errors import FileNotFound
from hubbub.kit.http.dependencies import Page, ReadSession, WriteSession
from hubbub.kit.http.idempotency import Once
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.idempotency import InvalidKey, KeyReused
from hubbub.kit.pagination import InvalidCursor, PageOf
from hubbub.messages.service.speaking import MAY_NOT_SPEAK
from hubbub.users.errors import UserNotFound

router = ApiRouter(tags=["Board"])


@router.get(
    "/posts",
    summary="List or search posts",
    description="Newest first: those for everybody, and those in the rooms that you see into.",
    responses=responses(InvalidCursor, *ALWAYS),
)
async def list_posts(
    actor: CurrentActor, session: ReadSession, page: Page, filters: PostFilters, q: Search = None
) -> PageOf[ListedPost]:
    if q is None:
        return await reading.list_posts(session, actor, filters, page)
    return await reading.search_posts(session, actor, q, filters, page)


@router.post(
    "/posts",
    summary="Write a post",
    description="For everybody, or in a room that you may speak in.",
    status_code=status.HTTP_201_CREATED,
    responses=responses(
        *ALWAYS, NotYourParticipant, *MAY_NOT_SPEAK, FileNotFound, InvalidKey, KeyReused
    ),
)
async def create_post(
    new: PostCreate, actor: CurrentActor, session: WriteSession, once: Once
) -> PostRead:
    making = service.create_post(session, actor, new)
    return await once(session, actor.identity, new, making)


@router.get("/posts/{post_id}", summary="Read a post", responses=responses(*OF_POST))
async def read_post(post_id: PostId, actor: CurrentActor, session: ReadSession) -> PostRead:
    post = await reading.get_post(session, actor, post_id)
    return await reading.shown(session, post)


@router.put(
    "/posts/{post_id}",
    summary="Replace a post",
    description="By who wrote it, as long as they may speak in its room, and by admins. Tags and"
    " files that are left out are gone.",
    responses=responses(*OF_POST, NotYourPost, *MAY_NOT_SPEAK, FileNotFound),
)
async def replace_post(
    post_id: PostId, new: PostReplace, actor: CurrentActor, session: WriteSession
) -> PostRead:
    return await service.update_post(session, actor, post_id, new)


@router.patch(
    "/posts/{post_id}",
    summary="Change a post",
    description="By who wrote it, as long as they may speak in its room, and by admins. What is"
    " left out stays.",
    responses=responses(*OF_POST, NotYourPost, *MAY_NOT_SPEAK, FileNotFound),
)
async def update_post(
    post_id: PostId, changes: PostUpdate, actor: CurrentActor, session: WriteSession
) -> PostRead:
    return await service.update_post(session, actor, post_id, changes)


@router.delete(
    "/posts/{post_id}",
    summary="Delete a post",
    description="With its comments, by who wrote it and by admins.",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=responses(*OF_POST, NotYourPost),
)
async def delete_post(post_id: PostId, actor: CurrentActor, session: WriteSession) -> None:
    await service.delete_post(session, actor, post_id)


@router.get(
    "/users/{user_id}/posts",
    summary="List a user's posts",
    description="Newest first, what the user wrote in person; for an agent's, see `creator_id` of"
    " the list of posts.",
    responses=responses(InvalidCursor, *ALWAYS, UserNotFound),
)
async def list_posts_of_user(
    user_id: Annotated[UUID, Path(description="The user's id.")],
    actor: CurrentActor,
    session: ReadSession,
    page: Page,
) -> PageOf[ListedPost]:
    return await reading.list_posts_of(session, actor, user_id, page)
