"""Keeping the bytes of files, as a port: a folder of this machine, or S3.

What is kept never changes: a key is written once, read any number of times, and erased.
"""

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol


class BlobMissing(Exception):
    """There is nothing under this key."""


class BlobsUnavailable(Exception):
    """The store doesn't answer, or can't take any more."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a store that hands out links says of the bytes itself."""

    content_type: str
    disposition: str


class Kept(NamedTuple):
    key: str
    size: int
    at: datetime


class BlobStore(Protocol):
    async def put(self, key: str, content: AsyncIterable[bytes], shown: Shown) -> str:
        """Takes what comes, without ever holding much of it, and returns its SHA-256 once it will
        survive a power cut. When `content` fails, or who calls is cancelled, nothing is under the
        key."""
        ...

    def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from `start` up to and without `end`, in pieces. Raises `BlobMissing`."""
        ...

    async def erase(self, keys: Sequence[str]) -> None:
        """What is not there is erased already."""
        ...

    def list(self, prefix: str) -> AsyncIterator[Kept]:
        """All keys that begin so."""
        ...

    async def tidy(self, prefix: str, before: datetime) -> None:
        """Erases what is older and was never whole: the process was killed while it put that."""
        ...

    async def link(self, key: str, lasts: timedelta) -> str | None:
        """An address where anybody can read the bytes for so long; None: this store has none."""
        ...
