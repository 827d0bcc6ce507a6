"""The data folder of a hub, and who may serve from it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hubbub.start import StartError


def prepare_data_dir(data_dir: Path) -> None:
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = data_dir / f".write-test.{os.getpid()}"
        try:
            probe.write_bytes(b"hubbub")
        finally:
            probe.unlink(missing_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        msg = (
            f"the data folder {data_dir.absolute()} is a file, or below one:"
            " name another with HUBBUB_DATA_DIR"
        )
        raise StartError(msg) from error
    except OSError as error:
        msg = (
            f"the data folder {data_dir.absolute()} can't be written ({error.strerror}): mend its"
            " permissions, free space on its disk, or name another with HUBBUB_DATA_DIR"
        )
        raise StartError(msg) from error


@contextmanager
def only_server(data_dir: Path) -> Iterator[None]:
    """An embedded hub is exactly one process: two would each think they number the inboxes."""
    with (data_dir / "hub.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            msg = (
                f"another hub is already serving from {data_dir.absolute()}: an embedded hub is"
                " exactly one process. Use PostgreSQL (HUBBUB_DATABASE_URL) for several"
            )
            raise StartError(msg) from error
        yield
