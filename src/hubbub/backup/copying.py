import os
import shutil
from contextlib import suppress
from pathlib import Path


def copy_tree(source: Path, target: Path) -> int:
    """Copies the files of a folder that is in use, and returns how many. What comes meanwhile may
    be missing from the copy, and so may what goes. Links are followed: part of the folder may have
    been moved to a larger disk."""
    copied = 0
    target.mkdir(mode=0o700)
    for folder, _, names in os.walk(source, onerror=_unless_gone, followlinks=True):
        inside = target / Path(folder).relative_to(source)
        inside.mkdir(mode=0o700, exist_ok=True)
        for name in names:
            with suppress(FileNotFoundError):
                shutil.copyfile(Path(folder) / name, inside / name)
                copied += 1
    return copied


def _unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error
