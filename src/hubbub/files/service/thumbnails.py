"""Small pictures of images: made when first asked for, kept beside the image."""

from collections.abc import AsyncIterator

import structlog
from anyio import BrokenWorkerProcess, fail_after, to_process

from hubbub.files.drawing import draw
from hubbub.files.errors import NoThumbnail
from hubbub.files.keeping import content_key, thumbnail_key
from hubbub.files.models import File
from hubbub.files.service.reaching import reaching_bytes
from hubbub.files.sniff import IMAGES
from hubbub.kit.blobs import BlobMissing, BlobStore, Shown

log = structlog.get_logger()

CONTENT_TYPE = "image/webp"
_MOST_BYTES = 20 * 1024 * 1024
_MOST_KEPT = 4 * 1024 * 1024
_PATIENCE = 20.0


async def thumbnail(blobs: BlobStore, file: File, size: int) -> bytes:
    if file.content_type not in IMAGES or file.size > _MOST_BYTES:
        raise NoThumbnail
    key = thumbnail_key(file.id, size)
    with reaching_bytes():
        try:
            return await _all(blobs.read(key, 0, _MOST_KEPT))
        except BlobMissing:
            image = await _all(blobs.read(content_key(file.id), 0, file.size))
        drawn = await _drawn(image, size)
        await blobs.put(key, _once(drawn), Shown(CONTENT_TYPE, "inline"))
    return drawn


async def _drawn(image: bytes, size: int) -> bytes:
    """In another process: a picture is made by strangers, and takes a while."""
    try:
        with fail_after(_PATIENCE):
            drawn = await to_process.run_sync(draw, image, size, cancellable=True)
    except (TimeoutError, BrokenWorkerProcess) as error:
        log.warning("file.not_drawn", error=type(error).__name__)
        raise NoThumbnail from error
    if drawn is None:
        raise NoThumbnail
    return drawn


async def _all(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
