"""Making a backup.

It is made in a folder beside the one that was asked for and gets that name when it is whole and on
disk, so whatever has the name can be relied on.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import make_url

from hubbub import __version__
from hubbub.backup.copying import copy_tree
from hubbub.backup.lacking import count_lacking
from hubbub.backup.manifest import BLOBS, DATABASE, SECRETS, Manifest, digest
from hubbub.backup.unfinished import unfinished_folder
from hubbub.kit.db.sqlite import copy_while_written
from hubbub.settings import Settings
from hubbub.start import StartError
from hubbub.start.reasons import is_for_want_of_room


@dataclass(frozen=True, slots=True)
class Made:
    manifest: Manifest
    lost: int
    """Files that the database knows of and the backup hasn't."""


def make_backup(settings: Settings, target: Path, *, with_secrets: bool) -> Made:
    source = _database(settings)
    _check_outside(target, settings.data_dir / BLOBS)
    with _whole_or_not_at_all(target) as folder:
        copy_while_written(source, folder / DATABASE)
        # the database first: all that it knows of is there by then
        files = lost = 0
        if settings.blobs_url is None:
            files = copy_tree(settings.data_dir / BLOBS, folder / BLOBS)
            lost = count_lacking(folder)
        for name in SECRETS if with_secrets else ():
            _copy_secret(settings.data_dir / name, folder / name)
        manifest = Manifest(
            hubbub=__version__,
            made_at=datetime.now(UTC),
            database_sha256=digest(folder / DATABASE),
            files=files,
            secrets=with_secrets,
            blobs_url=settings.blobs_url,
        )
        manifest.write(folder)
    return Made(manifest, lost)


def _check_outside(target: Path, blobs: Path) -> None:
    if target.resolve().is_relative_to(blobs.resolve()):
        msg = f"{target.absolute()} is inside of what is copied: name a folder elsewhere"
        raise StartError(msg)


def _database(settings: Settings) -> Path:
    if not settings.embedded:
        raise StartError(
            "a hub on PostgreSQL is backed up by PostgreSQL's own tools (pg_dump), and its files by"
            " those of their store"
        )
    source = Path(make_url(settings.database_dsn).database or "")
    if not source.exists():
        msg = f"there is no hub in {settings.data_dir.absolute()}: name another with --data-dir"
        raise StartError(msg)
    return source


@contextmanager
def _whole_or_not_at_all(target: Path) -> Iterator[Path]:
    target = target.absolute()
    if target.exists() or target.is_symlink():
        msg = f"{target} is there already: name a folder that isn't"
        raise StartError(msg)
    target.parent.mkdir(parents=True, exist_ok=True)
    with unfinished_folder(target) as folder, _room_there(target, folder):
        yield folder
        os.sync()
        folder.rename(target)
        os.sync()


@contextmanager
def _room_there(target: Path, folder: Path) -> Iterator[None]:
    """What the machine says of a copy names the hub's own files, and these have their room."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        if is_for_want_of_room(error, folder):
            msg = (
                f"there is no room for the backup in {target.parent}: free some space on its disk,"
                " or name another folder"
            )
            raise StartError(msg) from error
        raise


def _copy_secret(source: Path, target: Path) -> None:
    """One that is given by the settings is in no file of ours."""
    if source.exists():
        shutil.copyfile(source, target)
        target.chmod(0o600)
