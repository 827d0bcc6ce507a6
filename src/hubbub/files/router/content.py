"""The bytes of files: whole or a part of them, as a link, or small enough to be looked at."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BeforeValidator

from hubbub.agents.dependencies import CurrentActor
from hubbub.files.dependencies import OF_FILE, CurrentSights, FileId
from hubbub.files.errors import FileLost, FilesAway, FileShorter, NoLinks, NoThumbnail
from hubbub.files.models import File
from hubbub.files.naming import disposition
from hubbub.files.schemas import FileLink
from hubbub.files.service import files as service
from hubbub.files.service import thumbnails
from hubbub.kit.http.dependencies import CurrentResources
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter

router = ApiRouter(prefix="/files/{file_id}", tags=["Files"])

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_BYTES = {"*/*": _BINARY}
# never run, never framed, seen by this caller alone
_SAFE = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, no-cache",
}


_REFUSALS = responses(*OF_FILE, FileLost, FileShorter, FilesAway)


@router.head(
    "/content",
    name="check_content",
    summary="See what reading a file would be answered",
    description="The same headers, and no content.",
    response_class=Response,
    responses=_REFUSALS | {206: {"description": "A part"}, 304: {"description": "Still the same"}},
)
@router.get(
    "/content",
    summary="Read a file",
    description="To be saved, under its name. Takes `Range` (one range) and `If-None-Match`.",
    response_class=StreamingResponse,
    responses=_REFUSALS
    | {
        200: {"content": _BYTES},
        206: {"description": "The part that was asked for", "content": _BYTES},
        304: {"description": "Still the same"},
    },
)
async def read_content(
    request: Request,
    file_id: FileId,
    actor: CurrentActor,
    resources: CurrentResources,
    sights: CurrentSights,
    wanted: Annotated[str | None, Header(alias="Range")] = None,
    known: Annotated[str | None, Header(alias="If-None-Match")] = None,
    if_range: Annotated[str | None, Header(alias="If-Range")] = None,
) -> Response:
    # the session has ended before the first byte is sent: a slow reader holds none
    async with resources.database.read() as session:
        file = await service.get_file(session, actor, file_id, sights)
    headers = _SAFE | {
        "ETag": f'"{file.sha256}"',
        "Accept-Ranges": "bytes",
        "Content-Disposition": disposition(file.name),
    }
    if known is not None and _names(known, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    start, end = 0, file.size
    if wanted is not None and if_range in {None, headers["ETag"]}:
        start, end = _range(wanted, file)
    looks = request.method == "HEAD"
    # one byte says whether the others are there
    first, others = await service.content(resources.blobs, file, start, start + 1 if looks else end)
    headers["Content-Length"] = str(end - start)
    if (start, end) != (0, file.size):
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    status = 206 if "Content-Range" in headers else 200
    if looks:
        async for _ in others:
            pass
        return Response(None, status, headers, media_type=file.content_type)
    return StreamingResponse(_pieces(first, others), status, headers, media_type=file.content_type)


async def _pieces(first: bytes, others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in others:
        yield piece


def _number(text: object) -> object:
    """What stands in an address is text."""
    return int(text) if isinstance(text, str) and text.isdecimal() else text


def _names(known: str, etag: str) -> bool:
    return known.strip() == "*" or etag in [
        each.strip().removeprefix("W/") for each in known.split(",")
    ]


def _range(wanted: str, file: File) -> tuple[int, int]:
    """The one range that is asked for; all of it for what isn't understood, as HTTP has it."""
    found = _RANGE.fullmatch(wanted.replace(" ", ""))
    if found is None or found.group(0) == "bytes=-":
        return 0, file.size
    first, last = found.groups()
    if first:
        start, end = int(first), min(int(last) + 1, file.size) if last else file.size
        if last and int(last) < start:
            return 0, file.size
    else:
        start, end = max(0, file.size - int(last)), file.size
    if start >= end:
        raise FileShorter(file.size)
    return start, end


@router.get(
    "/link",
    summary="Get a link to a file's content",
    description="For a hub that keeps files in S3: an address at the store itself, without a"
    " credential, for some minutes.",
    responses=responses(*OF_FILE, NoLinks, FilesAway),
)
async def link_to_file(
    file_id: FileId, actor: CurrentActor, resources: CurrentResources, sights: CurrentSights
) -> FileLink:
    async with resources.database.read() as session:
        file = await service.get_file(session, actor, file_id, sights)
    lasts = timedelta(minutes=resources.settings.files.link_minutes)
    url, until = await service.link(resources.blobs, file, resources.clock.now(), lasts)
    return FileLink(url=url, expires_at=until)


@router.get(
    "/thumbnail",
    summary="Read a small picture of an image",
    response_class=Response,
    responses=responses(*OF_FILE, NoThumbnail, FileLost, FilesAway)
    | {200: {"content": {thumbnails.CONTENT_TYPE: _BINARY}}},
)
async def read_thumbnail(
    file_id: FileId,
    actor: CurrentActor,
    resources: CurrentResources,
    sights: CurrentSights,
    size: Annotated[
        Literal[64, 128, 256, 512],
        BeforeValidator(_number),
        Query(description="Pixels of the longer side."),
    ] = 256,
) -> Response:
    async with resources.database.read() as session:
        file = await service.get_file(session, actor, file_id, sights)
    drawn = await thumbnails.thumbnail(resources.blobs, file, size)
    return Response(drawn, headers=_SAFE, media_type=thumbnails.CONTENT_TYPE)
