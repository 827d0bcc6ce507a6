"""Both kinds of stores: one library speaks to a folder and to S3 alike."""

import asyncio
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from hubbub.kit.blobs import BlobMissing, BlobsUnavailable, Kept, Shown

_PIECE = 256 * 1024
_PART = 5 * 1024 * 1024
"""The smallest that S3 takes; two of them may be on their way."""


class _Blobs[Store: LocalStore | S3Store]:
    """What both do alike."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        if start >= end:
            return
        with _told():
            found = await obstore.get_async(self._store, key, options={"range": (start, end)})
            async for piece in found.stream(min_chunk_size=_PIECE):
                yield bytes(piece)

    async def erase(self, keys: Sequence[str]) -> None:
        for key in keys:
            with suppress(BlobMissing), _told():
                await obstore.delete_async(self._store, key)

    async def list(self, prefix: str) -> AsyncIterator[Kept]:
        with _told():
            async for page in obstore.list(self._store, prefix):
                for each in page:
                    yield Kept(each["path"], each["size"], each["last_modified"])


class FolderBlobs(_Blobs[LocalStore]):
    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        super().__init__(LocalStore(folder))

    async def put(self, key: str, content: AsyncIterable[bytes], shown: Shown) -> None:
        del shown
        with _told():
            # of several parts: then it gets its name when it is whole
            await obstore.put_async(
                self._store, key, content, use_multipart=True, chunk_size=_PIECE, max_concurrency=1
            )
            await asyncio.to_thread(_make_durable, self._folder / key, self._folder)

    async def tidy(self, prefix: str, before: datetime) -> None:
        with _told():
            await asyncio.to_thread(_unlink_unfinished, self._folder / prefix, before.timestamp())

    async def link(self, key: str, lasts: timedelta) -> str | None:
        del key, lasts
        return None


class S3Blobs(_Blobs[S3Store]):
    """Credentials, region and endpoint are where all tools look for them: `AWS_…` variables."""

    def __init__(self, bucket: str, prefix: str) -> None:
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
        plain = endpoint.startswith("http://")
        store = S3Store(
            bucket,
            prefix=prefix or None,
            client_options={"allow_http": plain},
            config={"endpoint": endpoint} if endpoint else {},
        )
        super().__init__(store)

    async def put(self, key: str, content: AsyncIterable[bytes], shown: Shown) -> None:
        with _told():
            await obstore.put_async(
                self._store,
                key,
                content,
                attributes={
                    "Content-Type": shown.content_type,
                    "Content-Disposition": shown.disposition,
                },
                use_multipart=True,
                chunk_size=_PART,
                max_concurrency=2,
            )

    async def tidy(self, prefix: str, before: datetime) -> None:
        """Parts that became no object are ended by a rule of the bucket."""

    async def link(self, key: str, lasts: timedelta) -> str | None:
        with _told():
            return await obstore.sign_async(self._store, "GET", key, lasts)


@contextmanager
def _told() -> Iterator[None]:
    """The library's errors in the words of the port; what `content` raised comes through."""
    try:
        yield
    except FileNotFoundError as error:
        raise BlobMissing from error
    except (BaseError, OSError) as error:
        raise BlobsUnavailable(type(error).__name__) from error


def _unlink_unfinished(folder: Path, before: float) -> None:
    """The library puts a number behind the name of what isn't whole, and lists none of these."""
    for each in folder.rglob("*#*"):
        if each.name.rpartition("#")[2].isdecimal() and each.lstat().st_mtime < before:
            each.unlink(missing_ok=True)


def _make_durable(path: Path, top: Path) -> None:
    """The bytes, then the names that lead to them."""
    _sync(path, os.O_RDONLY)
    for folder in path.parents:
        _sync(folder, os.O_RDONLY | os.O_DIRECTORY)
        if folder == top:
            break


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
