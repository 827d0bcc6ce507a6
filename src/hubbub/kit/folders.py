"""What folders need that files don't."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """The name of a file is on disk only when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
