"""A folder of this machine.

What is taken in is hashed and written by threads beside the event loop, which reads on meanwhile;
everything else is the library's.
"""

import asyncio
import hashlib
import os
import secrets
import sys
from collections.abc import AsyncIterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from io import BufferedWriter
from pathlib import Path

from obstore.store import LocalStore

from hubbub.kit.blobs import Shown
from hubbub.kit.blobs.store import StoreBlobs, told
from hubbub.kit.db.sqlite import uninterrupted

_BLOCK = 512 * 1024
"""So much is written at once: while that goes on, as much again is read."""
_SETTLED = 8 * 1024 * 1024
"""After so many bytes the system is told to begin with them, or it would begin at the end."""


class FolderBlobs(StoreBlobs[LocalStore]):
    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        super().__init__(LocalStore(folder))

    async def put(self, key: str, content: AsyncIterable[bytes], shown: Shown) -> str:
        del shown
        loop = asyncio.get_running_loop()
        part = _Part(self._folder / key, self._folder)
        block: list[bytes] = []
        size = 0
        writing: asyncio.Future[None] = loop.create_future()
        writing.set_result(None)
        with told():
            try:
                async for piece in content:
                    block.append(piece)
                    size += len(piece)
                    if size >= _BLOCK:
                        await _ended(writing)
                        writing = loop.run_in_executor(None, part.write, block)
                        block, size = [], 0
                await _ended(writing)
                writing = loop.run_in_executor(None, part.finish, block)
                await _ended(writing)
            except BaseException:
                await uninterrupted(asyncio.wait([writing]))
                await uninterrupted(asyncio.to_thread(part.give_up))
                raise
        return part.sha256

    async def tidy(self, prefix: str, before: datetime) -> None:
        with told():
            await asyncio.to_thread(_unlink_unfinished, self._folder / prefix, before.timestamp())

    async def link(self, key: str, lasts: timedelta) -> str | None:
        del key, lasts
        return None


async def _ended(writing: asyncio.Future[None]) -> None:
    # not awaited itself: it would count as cancelled with us, and its thread would go on
    await asyncio.wait([writing])
    writing.result()


class _Part:
    """A file that gets its name when it is whole and on disk."""

    def __init__(self, path: Path, top: Path) -> None:
        self._path = path
        self._top = top
        # as the library names them, which lists none of these
        self._part = path.with_name(f"{path.name}#{secrets.randbits(31)}")
        self.sha256 = ""
        self._hashed = hashlib.sha256()
        self._size = self._settled = 0
        self._file: BufferedWriter | None = None
        self._is_named = False

    def write(self, block: Sequence[bytes]) -> None:
        if self._file is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = self._part.open("xb")
        for piece in block:
            self._hashed.update(piece)
            self._file.write(piece)
            self._size += len(piece)
        if sys.platform == "linux" and self._size - self._settled >= _SETTLED:
            done, self._settled = self._settled, self._size
            length = self._size - done
            os.posix_fadvise(self._file.fileno(), done, length, os.POSIX_FADV_DONTNEED)

    def finish(self, block: Sequence[bytes]) -> None:
        """The last of it, and on disk: the bytes, then the names that lead to them."""
        self.write(block)
        assert self._file is not None  # noqa: S101 - it has just been written
        with self._file as file:
            file.flush()
            os.fsync(file.fileno())
        self._part.rename(self._path)
        self._is_named = True
        for folder in self._path.parents:
            _sync_folder(folder)
            if folder == self._top:
                break
        self.sha256 = self._hashed.hexdigest()

    def give_up(self) -> None:
        if self._file is not None:
            with suppress(OSError):  # what is still to be written needn't be
                self._file.close()
        (self._path if self._is_named else self._part).unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unlink_unfinished(folder: Path, before: float) -> None:
    for each in folder.rglob("*#*"):
        if each.name.rpartition("#")[2].isdecimal() and each.lstat().st_mtime < before:
            each.unlink(missing_ok=True)
