from fastapi import status

from hubbub.agents.dependencies import CurrentActor
from hubbub.files import queries
from hubbub.files.dependencies import ALWAYS, OF_FILE, CurrentSights, FileId
from hubbub.files.errors import NotYourFile
from hubbub.files.schemas import FileRead
from hubbub.files.service import files as service
from hubbub.kit.http.dependencies import Page, ReadSession, WriteSession
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.pagination import InvalidCursor, PageOf

router = ApiRouter(prefix="/files", tags=["Files"])


@router.get(
    "",
    summary="List my files",
    description="Newest first: those that you, or agents of yours, have sent in.",
    responses=responses(InvalidCursor, *ALWAYS),
)
async def list_files(actor: CurrentActor, session: ReadSession, page: Page) -> PageOf[FileRead]:
    rows, cursor = await queries.list_files(session, actor, page)
    return PageOf(items=[FileRead.model_validate(row) for row in rows], next_cursor=cursor)


@router.get(
    "/{file_id}",
    summary="Read what is known of a file",
    description="Of your own, and of those on messages, posts, comments and items that you see.",
    responses=responses(*OF_FILE),
)
async def read_file(
    file_id: FileId, actor: CurrentActor, session: ReadSession, sights: CurrentSights
) -> FileRead:
    return FileRead.model_validate(await service.get_file(session, actor, file_id, sights))


@router.delete(
    "/{file_id}",
    summary="Delete a file",
    description="One of your own. What it is attached to has it no more; messages go on naming it.",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=responses(*OF_FILE, NotYourFile),
)
async def delete_file(
    file_id: FileId, actor: CurrentActor, session: WriteSession, sights: CurrentSights
) -> None:
    await service.delete_file(session, actor, file_id, sights)
