"""Files in a folder of this machine."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from io import FileIO
from itertools import islice
from pathlib import Path

from hubbub.kit.blobs import BlobMissing, BlobsUnavailable, Kept, Shown
from hubbub.kit.db.sqlite import uninterrupted

_PIECE = 256 * 1024
_PAGE = 1000


class FolderBlobs:
    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder

    async def put(self, key: str, content: AsyncIterable[bytes], shown: Shown) -> None:
        del shown
        path = self._folder / key
        unfinished = path.with_name(f"{path.name}#{secrets.randbits(32)}")
        try:
            with ExitStack() as stack:
                file = await _done(_create, unfinished, stack)
                async for piece in _in_larger_pieces(content):
                    await _done(_write, file, piece)
                await _done(os.fsync, file.fileno())
            await _done(_name, unfinished, path, self._folder)
        except BaseException:
            with suppress(BlobsUnavailable):
                await _done(_unlink, [unfinished])
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
        return await uninterrupted(asyncio.to_thread(do, *values))
    except OSError as error:
        raise BlobsUnavailable(type(error).__name__) from error


async def _in_larger_pieces(content: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Each takes a way to a thread and back."""
    waiting = bytearray()
    async for piece in content:
        waiting += piece
        if len(waiting) >= _PIECE:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)


def _create(path: Path, stack: ExitStack) -> FileIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    return stack.enter_context(path.open("xb", buffering=0))


def _write(file: FileIO, piece: bytes) -> None:
    left = memoryview(piece)
    while left:
        left = left[file.write(left) :]


def _name(unfinished: Path, path: Path, top: Path) -> None:
    """The bytes are on disk; now the name is, and those that lead to it."""
    unfinished.replace(path)
    for folder in path.parents:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if folder == top:
            break


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
    while left:
        # what isn't there, or is erased meanwhile, isn't kept
        with suppress(FileNotFoundError), os.scandir(left.pop()) as entries:
            for entry in entries:
                path = Path(entry)
                key = path.relative_to(top).as_posix()
                if entry.is_dir():
                    left.append(path)
                elif key.startswith(prefix) and not _is_unfinished(path):
                    with suppress(FileNotFoundError):
                        seen = entry.stat()
                        yield Kept(key, seen.st_size, datetime.fromtimestamp(seen.st_mtime, UTC))


def _unlink_unfinished(folder: Path, before: float) -> None:
    for path in folder.rglob("*#*"):
        if _is_unfinished(path) and path.lstat().st_mtime < before:
            path.unlink(missing_ok=True)
