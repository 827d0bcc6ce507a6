"""The folder in which a backup is made. One that was killed leaves it behind; the next one to the
same place takes it away."""

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_MARK = ".unfinished"


@contextmanager
def unfinished_folder(target: Path) -> Iterator[Path]:
    """Beside the target, held for as long as this process lives, and gone in the end unless it has
    got another name."""
    _clear(target)
    folder, descriptor = _held(target)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _held(target: Path) -> tuple[Path, int]:
    while True:
        made = tempfile.mkdtemp(prefix=f".{target.name}.", suffix=_MARK, dir=target.parent)
        descriptor = os.open(made, os.O_RDONLY | os.O_DIRECTORY)
        # network file systems may lock no folders: nobody takes it away there, whoever is killed
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        # somebody who cleared up may have come in between
        if Path(made).is_dir():
            return Path(made), descriptor
        os.close(descriptor)


def _clear(target: Path) -> None:
    ours = re.compile(rf"\.{re.escape(target.name)}\.[a-z0-9_]{{8}}{re.escape(_MARK)}")
    for each in target.parent.iterdir():
        if ours.fullmatch(each.name) and not each.is_symlink():
            with suppress(OSError):
                _remove_unless_held(each)


def _remove_unless_held(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
    finally:
        os.close(descriptor)
