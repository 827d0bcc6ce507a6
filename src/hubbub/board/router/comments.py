from typing import Annotated
from uuid import UUID

from fastapi import Query, status

from hubbub.agents.dependencies import CurrentActor
from hubbub.agents.errors import NotYourParticipant
from hubbub.board.dependencies import OF_COMMENT, OF_POST, CommentId, PostId
from hubbub.board.errors import CommentDeleted, CommentTooDeep, NotYourComment
from hubbub.board.schemas import CommentCreate, CommentRead, CommentUpdate
from hubbub.board.service import comments as service
from hubbub.board.service import reading
from hubbub.files.errors import FileNotFound
from hubbub.kit.http.dependencies import Page, ReadSession, WriteSession
from hubbub.kit.http.idempotency import Once
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.idempotency import InvalidKey, KeyReused
from hubbub.kit.pagination import InvalidCursor, PageOf
from hubbub.messages.service.speaking import MAY_NOT_SPEAK

router = ApiRouter(prefix="/posts/{post_id}/comments", tags=["Board"])


@router.get(
    "",
    summary="List a post's comments",
    description="Newest first, answers among them; `parent_id` says what they answer.",
    responses=responses(InvalidCursor, *OF_POST),
)
async def list_comments(
    post_id: PostId,
    actor: CurrentActor,
    session: ReadSession,
    page: Page,
    parent_id: Annotated[UUID | None, Query(description="Only the answers to this one.")] = None,
) -> PageOf[CommentRead]:
    post = await reading.get_post(session, actor, post_id)
    return await reading.list_comments(session, post, page, parent_id=parent_id)


@router.post(
    "",
    summary="Comment on a post",
    status_code=status.HTTP_201_CREATED,
    responses=responses(
        *OF_COMMENT,
        NotYourParticipant,
        *MAY_NOT_SPEAK,
        FileNotFound,
        CommentTooDeep,
        CommentDeleted,
        InvalidKey,
        KeyReused,
    ),
)
async def create_comment(
    post_id: PostId, new: CommentCreate, actor: CurrentActor, session: WriteSession, once: Once
) -> CommentRead:
    making = service.create_comment(session, actor, post_id, new)
    return await once(session, actor.identity, new, making)


@router.get("/{comment_id}", summary="Read a comment", responses=responses(*OF_COMMENT))
async def read_comment(
    post_id: PostId, comment_id: CommentId, actor: CurrentActor, session: ReadSession
) -> CommentRead:
    post = await reading.get_post(session, actor, post_id)
    comment = await reading.get_comment(session, post, comment_id)
    return (await reading.shown_comments(session, [comment]))[0]


@router.patch(
    "/{comment_id}",
    summary="Change a comment",
    description="By who wrote it, as long as they may speak in the room, and by admins. What is"
    " left out stays.",
    responses=responses(*OF_COMMENT, NotYourComment, *MAY_NOT_SPEAK, CommentDeleted, FileNotFound),
)
async def update_comment(
    post_id: PostId,
    comment_id: CommentId,
    changes: CommentUpdate,
    actor: CurrentActor,
    session: WriteSession,
) -> CommentRead:
    return await service.update_comment(session, actor, post_id, comment_id, changes)


@router.delete(
    "/{comment_id}",
    summary="Delete a comment",
    description="By who wrote it and by admins. One that was answered stays, without its content.",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=responses(*OF_COMMENT, NotYourComment, CommentDeleted),
)
async def delete_comment(
    post_id: PostId, comment_id: CommentId, actor: CurrentActor, session: WriteSession
) -> None:
    await service.delete_comment(session, actor, post_id, comment_id)
