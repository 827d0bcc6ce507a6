"""Objects in a bucket of S3, or of what speaks like it."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Self

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from hubbub.kit.blobs import BlobMissing, BlobsUnavailable, Kept, Shown
from hubbub.kit.db.sqlite import uninterrupted

_PIECE = 256 * 1024
_PART = 5 * 1024 * 1024
"""The smallest that S3 takes; two of them may be on their way."""


class S3Blobs:
    """Credentials, region and endpoint are where all tools look for them: `AWS_…` variables. Raises
    `BlobsUnavailable` for such as make no client."""

    def __init__(self, bucket: str, prefix: str) -> None:
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
        plain = endpoint.startswith("http://")
        with _told():
            self._store = S3Store(
                bucket,
                prefix=prefix or None,
                client_options={"allow_http": plain},
                config={"endpoint": endpoint} if endpoint else {},
            )

    async def put(self, key: str, content: AsyncIterable[bytes], shown: Shown) -> str:
        passing = _Passing(content)
        try:
            await self._put(key, passing, shown)
        finally:
            await uninterrupted(passing.end())
        return passing.hashed.hexdigest()

    async def _put(self, key: str, content: AsyncIterable[bytes], shown: Shown) -> None:
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

    async def tidy(self, prefix: str, before: datetime) -> None:
        """Parts that became no object are ended by a rule of the bucket."""

    async def link(self, key: str, lasts: timedelta) -> str | None:
        with _told():
            return await obstore.sign_async(self._store, "GET", key, lasts)


class _Passing:
    """What is put, hashed on its way. When who puts it is cancelled, the library drops what it was
    about to read; that is ended here, or it would wait for ever."""

    def __init__(self, content: AsyncIterable[bytes]) -> None:
        self.hashed = hashlib.sha256()
        self._pieces = aiter(content)
        self._reading: asyncio.Future[bytes] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        self._reading = asyncio.ensure_future(anext(self._pieces))
        piece = await self._reading
        self.hashed.update(piece)
        return piece

    async def end(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)


@contextmanager
def _told() -> Iterator[None]:
    """The library's errors in the words of the port; what `content` raised comes through."""
    try:
        yield
    except FileNotFoundError as error:
        raise BlobMissing from error
    except (BaseError, OSError) as error:
        raise BlobsUnavailable(type(error).__name__) from error
