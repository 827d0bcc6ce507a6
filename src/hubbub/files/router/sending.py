"""Sending files in. The form is read while it comes, so the framework isn't told of the body."""

from typing import Any

from fastapi import Request, status

from hubbub.agents.dependencies import CurrentActor
from hubbub.files.dependencies import ALWAYS
from hubbub.files.errors import (
    FileEmpty,
    FileQuota,
    FilesAway,
    FileTooLarge,
    FileTypeRefused,
    NoFile,
    TooManyFiles,
)
from hubbub.files.schemas import FileRead, FileResult, FileResults
from hubbub.files.service import taking
from hubbub.files.service.taking import Sent, Taken
from hubbub.kit.errors import AppError
from hubbub.kit.http.dependencies import CurrentResources, WriteSession
from hubbub.kit.http.idempotency import Once
from hubbub.kit.http.problems import body_of, responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.http.uploads import NotAForm, uploads
from hubbub.kit.idempotency import InvalidKey, KeyReused

router = ApiRouter(prefix="/files", tags=["Files"])


def _form(schema: dict[str, Any]) -> dict[str, Any]:
    content = {"multipart/form-data": {"schema": {"type": "object", "properties": schema}}}
    return {"requestBody": {"required": True, "content": content}}


_FILE = {"type": "string", "format": "binary"}
_REFUSALS = (
    *ALWAYS,
    NotAForm,
    FileQuota,
    FileTooLarge,
    FileTypeRefused,
    NoFile,
    FileEmpty,
    InvalidKey,
    KeyReused,
    FilesAway,
)


@router.post(
    "",
    summary="Send a file in",
    description="As a form with one file. What it is, is seen by its content: images (PNG, JPEG,"
    " GIF, WebP), PDF, and text in UTF-8 (plain, JSON, CSV, Markdown).",
    status_code=status.HTTP_201_CREATED,
    responses=responses(*_REFUSALS, TooManyFiles),
    openapi_extra=_form({"file": _FILE}),
)
async def send_file(
    request: Request,
    actor: CurrentActor,
    resources: CurrentResources,
    session: WriteSession,
    once: Once,
) -> FileRead:
    await taking.check_room(resources, actor)
    taken: list[Taken] = []
    try:
        async for upload in uploads(request):
            if taken:
                msg = "One here; for several there is /files/batch."
                raise TooManyFiles(msg)
            taken.append(await taking.take_in(resources, upload.filename, upload.pieces))
        if not taken:
            raise NoFile

        async def making() -> FileRead:
            [file] = await taking.store(session, resources.settings.files, actor, taken)
            return FileRead.model_validate(file)

        return await once(session, actor.identity, _sent(taken), making())
    finally:
        await taking.give_back(resources, taken)


@router.post(
    "/batch",
    summary="Send several files in",
    description="As a form with up to `HUBBUB_FILES__PER_REQUEST` files. Each has its own result:"
    " one that is refused keeps no other back.",
    responses=responses(*_REFUSALS, TooManyFiles),
    openapi_extra=_form({"files": {"type": "array", "items": _FILE}}),
)
async def send_files(
    request: Request,
    actor: CurrentActor,
    resources: CurrentResources,
    session: WriteSession,
    once: Once,
) -> FileResults:
    await taking.check_room(resources, actor)
    most = resources.settings.files.per_request
    results: list[Taken | AppError] = []
    try:
        async for upload in uploads(request):
            if len(results) == most:
                msg = f"At most {most}."
                raise TooManyFiles(msg)
            try:
                results.append(await taking.take_in(resources, upload.filename, upload.pieces))
            except AppError as error:
                results.append(error)
        if not results:
            raise NoFile
        taken = [each for each in results if isinstance(each, Taken)]

        async def making() -> FileResults:
            files = await taking.store(session, resources.settings.files, actor, taken)
            stored = {file.id: FileRead.model_validate(file) for file in files}
            return FileResults(
                results=[
                    FileResult(status=201, file=stored[each.id])
                    if isinstance(each, Taken)
                    else FileResult(status=each.status, problem=body_of(each))
                    for each in results
                ]
            )

        return await once(session, actor.identity, _sent(taken), making())
    finally:
        await taking.give_back(resources, [each for each in results if isinstance(each, Taken)])


def _sent(taken: list[Taken]) -> Sent:
    return Sent(files=[(each.name, each.sha256) for each in taken])
