"""Under which keys the blob store has what belongs to a file."""

from collections.abc import Iterable
from uuid import UUID

CONTENTS = "files/"
THUMBNAILS = "thumbnails/"
SIZES = (64, 128, 256, 512)
"""Pixels of the longer side."""


def content_key(file_id: UUID) -> str:
    return f"{CONTENTS}{file_id}"


def thumbnail_key(file_id: UUID, size: int) -> str:
    return f"{THUMBNAILS}{file_id}/{size}"


def all_keys(file_id: UUID) -> Iterable[str]:
    yield content_key(file_id)
    for size in SIZES:
        yield thumbnail_key(file_id, size)


def file_of(key: str) -> UUID | None:
    """Whose key that is; None for what isn't one of ours."""
    try:
        return UUID(key.split("/")[1])
    except (ValueError, IndexError):
        return None
