"""A folder of this machine.

What is taken in is hashed and written by a thread beside the event loop, which reads on meanwhile;
everything else is the library's.
"""

import asyncio
import hashlib
import os
import secrets
import sys
from collections import deque
from collections.abc import AsyncIterable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from io import BufferedWriter
from pathlib import Path

from obstore.store import LocalStore

from hubbub.kit.blobs import Shown
from hubbub.kit.blobs.store import StoreBlobs, told
from hubbub.kit.db.sqlite import uninterrupted
from hubbub.kit.db.worker import Worker

_AHEAD = 8
"""Pieces that may wait for the disk; then their sender does."""
_SETTLED = 8 * 1024 * 1024
"""After so many bytes the system is told to begin with them, or it would begin at the end."""


class FolderBlobs(StoreBlobs[LocalStore]):
    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        super().__init__(LocalStore(folder))

    async def put(self, key: str, content: AsyncIterable[bytes], shown: Shown) -> str:
        del shown
        with told():
            part = _Part(self._folder / key, self._folder)
            worker = Worker("blob")
            waiting: deque[asyncio.Future[None]] = deque()
            try:
                async for piece in content:
                    waiting.append(worker.run(partial(part.add, piece)))
                    if len(waiting) > _AHEAD:
                        await waiting.popleft()
                while waiting:
                    await waiting.popleft()
                return await worker.run(part.finish)
            except BaseException:
                await uninterrupted(worker.run(part.give_up))
                await asyncio.gather(*waiting, return_exceptions=True)
                raise
            finally:
                worker.stop()

    async def tidy(self, prefix: str, before: datetime) -> None:
        with told():
            await asyncio.to_thread(_unlink_unfinished, self._folder / prefix, before.timestamp())

    async def link(self, key: str, lasts: timedelta) -> str | None:
        del key, lasts
        return None


class _Part:
    """A file that gets its name when it is whole and on disk."""

    def __init__(self, path: Path, top: Path) -> None:
        self._path = path
        self._top = top
        # as the library names them, which lists none of these
        self._part = path.with_name(f"{path.name}#{secrets.randbits(31)}")
        self._hashed = hashlib.sha256()
        self._size = self._settled = 0
        self._file: BufferedWriter | None = None
        self._is_named = False

    def _opened(self) -> BufferedWriter:
        if self._file is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = self._part.open("xb")
        return self._file

    def add(self, piece: bytes) -> None:
        file = self._opened()
        self._hashed.update(piece)
        file.write(piece)
        self._size += len(piece)
        if sys.platform == "linux" and self._size - self._settled >= _SETTLED:
            done, self._settled = self._settled, self._size
            os.posix_fadvise(file.fileno(), done, self._size - done, os.POSIX_FADV_DONTNEED)

    def finish(self) -> str:
        """The bytes, then the names that lead to them."""
        with self._opened() as file:
            file.flush()
            os.fsync(file.fileno())
        self._part.rename(self._path)
        self._is_named = True
        for folder in self._path.parents:
            _sync_folder(folder)
            if folder == self._top:
                break
        return self._hashed.hexdigest()

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
