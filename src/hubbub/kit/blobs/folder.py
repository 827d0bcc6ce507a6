"""Files in a folder of this machine."""

import asyncio
import hashlib
import os
import secrets
import sys
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from io import BufferedWriter, FileIO
from itertools import islice
from pathlib import Path

from hubbub.kit.blobs import BlobMissing, BlobsUnavailable, Kept, Shown
from hubbub.kit.db.sqlite import uninterrupted
from hubbub.kit.folders import sync_folder

_PIECE = 256 * 1024
_BLOCK = 512 * 1024
_BEGUN = 8 * 1024 * 1024
"""After so many bytes the system is told to write, or it would all be left to the sync."""
_PAGE = 1000


class FolderBlobs:
    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder

    async def put(self, key: str, content: AsyncIterable[bytes], shown: Shown) -> str:
        del shown
        part = _Part(self._folder / key, self._folder)
        writing: asyncio.Future[None] | None = None
        try:
            async for block in _in_blocks(content):
                if writing is not None:
                    await writing
                # while this one is written, the next is read
                writing = asyncio.create_task(_done(part.write, block))
            if writing is not None:
                await writing
            return await _done(part.finish)
        except BaseException:
            if writing is not None:
                await uninterrupted(asyncio.gather(writing, return_exceptions=True))
            with suppress(BlobsUnavailable):
                await _done(part.give_up)
            raise

    async def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        if start >= end:
            return
        with ExitStack() as stack:
            file = await _done(_open_at, self._folder / key, start, stack)
            while piece := await _done(file.read, min(_PIECE, end - start)):
                start += len(piece)
                yield piece

    async def erase(self, keys: Sequence[str]) -> None:
        await _done(_unlink, [self._folder / key for key in keys])

    async def list(self, prefix: str) -> AsyncIterator[Kept]:
        found = _found(self._folder, prefix)
        while page := await _done(lambda: [*islice(found, _PAGE)]):
            for each in page:
                yield each

    async def tidy(self, prefix: str, before: datetime) -> None:
        await _done(_unlink_unfinished, self._folder / prefix, before.timestamp())

    async def link(self, key: str, lasts: timedelta) -> str | None:
        del key, lasts
        return None


async def _done[*Some, T](do: Callable[[*Some], T], *values: *Some) -> T:
    """In a thread, and to its end: whoever is cancelled must find nothing still being done to a
    file that is closed or erased next."""
    try:
        loop = asyncio.get_running_loop()
        return await uninterrupted(loop.run_in_executor(None, do, *values))
    except OSError as error:
        raise BlobsUnavailable(type(error).__name__) from error


async def _in_blocks(content: AsyncIterable[bytes]) -> AsyncIterator[list[bytes]]:
    """Each takes a way to a thread and back."""
    block: list[bytes] = []
    size = 0
    async for piece in content:
        block.append(piece)
        size += len(piece)
        if size >= _BLOCK:
            yield block
            block, size = [], 0
    yield block


class _Part:
    """A file that gets its name when it is whole and on disk."""

    def __init__(self, path: Path, top: Path) -> None:
        self._path = path
        self._top = top
        self._unfinished = path.with_name(f"{path.name}#{secrets.randbits(32)}")
        self._file: BufferedWriter | None = None
        self._hashed = hashlib.sha256()
        self._size = self._begun = 0
        self._is_named = False

    def write(self, block: Iterable[bytes]) -> None:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._unfinished.open("xb")
        for piece in block:
            self._hashed.update(piece)
            self._file.write(piece)
            self._size += len(piece)
        if sys.platform == "linux" and self._size - self._begun >= _BEGUN:
            begun, self._begun = self._begun, self._size
            length = self._size - begun
            os.posix_fadvise(self._file.fileno(), begun, length, os.POSIX_FADV_DONTNEED)

    def finish(self) -> str:
        """On disk: the bytes, then the names that lead to them."""
        assert self._file is not None  # noqa: S101 - a block at least has been written
        with self._file as file:
            file.flush()
            os.fsync(file.fileno())
        self._unfinished.replace(self._path)
        self._is_named = True
        for folder in self._path.parents:
            sync_folder(folder)
            if folder == self._top:
                break
        return self._hashed.hexdigest()

    def give_up(self) -> None:
        if self._file is not None:
            with suppress(OSError):  # what is still to be written needn't be
                self._file.close()
        (self._path if self._is_named else self._unfinished).unlink(missing_ok=True)


def _open_at(path: Path, start: int, stack: ExitStack) -> FileIO:
    try:
        file = stack.enter_context(path.open("rb", buffering=0))
    except FileNotFoundError as error:
        raise BlobMissing from error
    file.seek(start)
    return file


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _is_unfinished(path: Path) -> bool:
    return path.name.rpartition("#")[2].isdecimal() and "#" in path.name


def _found(top: Path, prefix: str) -> Iterator[Kept]:
    left = [top / prefix.rpartition("/")[0]]
    been: set[tuple[int, int]] = set()
    while left:
        folder = left.pop()
        # what isn't there, or is erased meanwhile, isn't kept
        with suppress(FileNotFoundError), os.scandir(folder) as entries:
            at = folder.stat()
            # a link may lead back to where it is
            if (at.st_dev, at.st_ino) in been:
                continue
            been.add((at.st_dev, at.st_ino))
            for entry in entries:
                path = Path(entry)
                key = path.relative_to(top).as_posix()
                if entry.is_dir():
                    # what has a name of its own before what a link calls it
                    left.insert(0 if entry.is_symlink() else len(left), path)
                elif key.startswith(prefix) and not _is_unfinished(path):
                    with suppress(FileNotFoundError):
                        seen = entry.stat()
                        yield Kept(key, seen.st_size, datetime.fromtimestamp(seen.st_mtime, UTC))


def _unlink_unfinished(folder: Path, before: float) -> None:
    for path in folder.rglob("*#*"):
        if _is_unfinished(path) and path.lstat().st_mtime < before:
            path.unlink(missing_ok=True)
