"""Making a hub of a backup.

Everything is prepared in a folder inside the data folder, where no hub looks. The database is moved
to its place last: until then nothing there is a hub.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from hubbub.activity.service import record
from hubbub.backup.copying import copy_tree
from hubbub.backup.lacking import count_lacking
from hubbub.backup.manifest import BLOBS, DATABASE, SECRETS, Manifest, digest
from hubbub.backup.strange import check_plain
from hubbub.kit.crypto import KEYS_FILE
from hubbub.kit.db import migrate
from hubbub.kit.db.database import Database
from hubbub.kit.keys import SECRET_FILE
from hubbub.messages.service.epochs import begin_epoch
from hubbub.settings import Settings
from hubbub.start import StartError
from hubbub.start.folder import only_server, prepare_data_dir

_STAGE = ".restoring"
_IN_THE_WAY = (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-journal", BLOBS)


@dataclass(frozen=True, slots=True)
class Restored:
    manifest: Manifest
    lost: int
    """Files that the database knows of and the backup hasn't."""
    missing: tuple[str, ...]
    """Secrets that neither the backup, the data folder nor the settings have."""


async def restore(settings: Settings, source: Path) -> Restored:
    _check_settings(settings)
    _check_plain(source)
    manifest = Manifest.read(source)
    prepare_data_dir(settings.data_dir)
    with only_server(settings.data_dir):
        _check_room(settings.data_dir, manifest)
        stage = settings.data_dir / _STAGE
        shutil.rmtree(stage, ignore_errors=True)  # of one that was cut off
        try:
            stage.mkdir(mode=0o700)
            lost = await _prepare(settings, source, manifest, stage)
            os.sync()
            _put_in_place(stage, settings.data_dir)
            os.sync()
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    return Restored(manifest, lost, tuple(_missing(settings)))


async def begin_anew(database: Database) -> None:
    """Cursors of the history before this one are told that it has ended."""
    async with database.write() as session:
        await begin_epoch(session)
        record(session, "hub.restored", actor_id=None)


def _check_settings(settings: Settings) -> None:
    if not settings.embedded:
        raise StartError(
            "a hub on PostgreSQL is restored by PostgreSQL's own tools (pg_restore); run"
            " `hubbub new-epoch` after that"
        )
    if settings.database_url is not None:
        raise StartError(
            "leave out HUBBUB_DATABASE_URL to restore: a backup becomes a data folder that has all"
        )


def _check_plain(source: Path) -> None:
    """A backup may come from anywhere: a link in it could lead to any file of this machine, which
    the hub would show then."""
    for each in source.rglob("*"):
        if each.is_symlink() or not (each.is_file() or each.is_dir()):
            msg = f"{each.absolute()} is neither a file nor a folder, and a backup has only these"
            raise StartError(msg)


def _check_room(data_dir: Path, manifest: Manifest) -> None:
    names = (*_IN_THE_WAY, *(SECRETS if manifest.secrets else ()))
    for each in (data_dir / name for name in names):
        if each.exists():
            msg = (
                f"{each.absolute()} is there already, and nothing is overwritten: name an empty"
                " folder with --data-dir, or move away what is in this one"
            )
            raise StartError(msg)


async def _prepare(settings: Settings, source: Path, manifest: Manifest, stage: Path) -> int:
    database = stage / DATABASE
    shutil.copyfile(source / DATABASE, database)
    database.chmod(0o600)
    if digest(database) != manifest.database_sha256:
        msg = f"{(source / DATABASE).absolute()} is not as it was written: take another backup"
        raise StartError(msg)
    if manifest.blobs_url is None:
        copy_tree(source / BLOBS, stage / BLOBS)
    for name in SECRETS if manifest.secrets else ():
        if (source / name).exists():
            shutil.copyfile(source / name, stage / name)
            (stage / name).chmod(0o600)
    dsn = f"sqlite+aiosqlite:///{database.absolute()}"
    await _bring_to_head(database, dsn)
    opened = Database(dsn, settings.database)
    try:
        await begin_anew(opened)
    finally:
        await opened.close()
    return count_lacking(stage) if manifest.blobs_url is None else 0


async def _bring_to_head(database: Path, dsn: str) -> None:
    engine = migrate.migration_engine(dsn)
    try:
        at = await migrate.current(engine)
    finally:
        await engine.dispose()
    if at is None:
        raise StartError("the database of the backup is not one of a hub: take another backup")
    if at not in migrate.revisions():
        raise StartError("the backup was made by a newer version of Hubbub: restore it with that")
    await check_plain(database, at)
    await migrate.upgrade(dsn)


def _put_in_place(stage: Path, data_dir: Path) -> None:
    names = [each.name for each in stage.iterdir() if each.name != DATABASE]
    for name in (*names, DATABASE):
        (stage / name).rename(data_dir / name)


def _missing(settings: Settings) -> list[str]:
    given = {SECRET_FILE: settings.secret_key, KEYS_FILE: settings.encryption_keys}
    return [
        name
        for name, value in given.items()
        if value is None and not (settings.data_dir / name).exists()
    ]
