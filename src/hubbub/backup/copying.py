import os
import shutil
from contextlib import suppress
from pathlib import Path


def copy_tree(source: Path, target: Path) -> int:
    """Copies the files of a folder that is in use, and returns how many. What comes meanwhile may
    be missing from the copy, and so may what goes."""
    copied = 0
    target.mkdir(mode=0o700)
    for folder, _, names in os.walk(source):
        inside = target / Path(folder).relative_to(source)
        inside.mkdir(mode=0o700, exist_ok=True)
        for name in names:
            with suppress(FileNotFoundError):
                shutil.copyfile(Path(folder) / name, inside / name, follow_symlinks=False)
                copied += 1
    return copied
