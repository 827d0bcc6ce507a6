"""What an error of the operating system or of a database means to whoever starts a hub.

The sentences name settings and files, never the value of a setting: a database URL has a password.
"""

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from hubbub.kit.db.migrate import MigrationFailed
from hubbub.kit.keys import SecretFileError
from hubbub.settings import Settings

if TYPE_CHECKING:
    from asyncpg.exceptions import PostgresError

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NEARLY_FULL = 1024 * 1024


def reason(error: BaseException, settings: Settings) -> str | None:
    """The sentence for this error, or None for one that nobody outside can help."""
    for cause in _causes(error):
        sentence = _reason(cause, settings)
        if sentence is not None:
            return sentence
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        wrapped = following.orig if isinstance(following, DBAPIError) else None
        following = wrapped or following.__cause__ or following.__context__


def _reason(error: BaseException, settings: Settings) -> str | None:
    from asyncpg.exceptions import PostgresError

    match error:
        case sqlite3.Error():
            sentence = _sqlite_reason(error, settings)
        case PostgresError():
            sentence = _postgresql_reason(error, settings)
        case OSError():
            sentence = _system_reason(error, settings)
        case SecretFileError():
            sentence = str(error)
        case MigrationFailed():
            sentence = f"the database can't be migrated: {error}"
        case ArgumentError():
            sentence = "HUBBUB_DATABASE_URL can't be read: write postgresql://USER@HOST/DATABASE"
        case TypeError() if not settings.embedded and "unexpected keyword argument" in str(error):
            # the driver is called with what stands behind the `?`
            sentence = "HUBBUB_DATABASE_URL has an option after its ? that the driver doesn't know"
        case _:
            return None
    return sentence


def newer(settings: Settings, revision: str) -> str:
    return (
        f"{_database(settings)} is at revision {revision}, which this version of Hubbub doesn't"
        " know: it was migrated by a newer one. Start that version, or restore a backup from before"
    )


def not_migrated(settings: Settings) -> str:
    return f"{_database(settings)} is not at this version's tables: run `hubbub migrate` first"


def _system_reason(error: OSError, settings: Settings) -> str:
    what = error.strerror or type(error).__name__
    if error.errno in _NO_SPACE:
        # of a copy that has no room, the second is where it was to be
        named = error.filename2 or error.filename
        return _full(Path(named or settings.data_dir).absolute(), what)
    file = Path(error.filename).absolute() if error.filename else None
    if file is not None:
        return f"{file} can't be used ({what}): mend its permissions, or move it away"
    if settings.embedded:
        return f"the data folder {settings.data_dir.absolute()} can't be used ({what})"
    why = "no answer in time" if isinstance(error, TimeoutError) else what
    return f"{_database(settings)} can't be reached ({why}): start it, or mend HUBBUB_DATABASE_URL"


def is_for_want_of_room(error: BaseException, folder: Path) -> bool:
    """Whether what was to be written into this folder has no room there."""
    if isinstance(error, sqlite3.Error):
        kind = _sqlite_kind(error)
        return kind == "SQLITE_FULL" or (kind == "SQLITE_IOERR" and _is_nearly_full(folder))
    return isinstance(error, OSError) and error.errno in _NO_SPACE


def _full(path: object, what: str) -> str:
    return (
        f"there is no room for {path} ({what}): free some space on its disk and start again;"
        " nothing was lost"
    )


def _sqlite_reason(error: sqlite3.Error, settings: Settings) -> str:
    file = make_url(settings.database_dsn).database or ""
    kind = _sqlite_kind(error)
    if is_for_want_of_room(error, Path(file).parent):
        return _full(f"the database file {file}", "disk full")
    advice = {
        "SQLITE_BUSY": "is locked by another program: end that one (`fuser` names it)",
        "SQLITE_LOCKED": "is locked by another program: end that one (`fuser` names it)",
        "SQLITE_NOTADB": "is not a database: move it away, or restore a backup",
        "SQLITE_CORRUPT": "is damaged: restore a backup, or try `sqlite3 FILE .recover`",
        "SQLITE_CANTOPEN": "can't be opened: mend the permissions of the file and its folder",
        "SQLITE_READONLY": "can't be written: mend the permissions of the file and its folder",
        "SQLITE_PERM": "can't be opened: mend the permissions of the file and its folder",
        "SQLITE_IOERR": "can't be read or written: check its disk, and that it has free space",
    }
    return f"the database file {file} {advice.get(kind, f'can not be used ({error})')}"


def _sqlite_kind(error: sqlite3.Error) -> str:
    # SQLITE_IOERR_WRITE and its like: the first two words are the kind
    return "_".join((getattr(error, "sqlite_errorname", None) or "").split("_")[:2])


def _is_nearly_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _NEARLY_FULL
    except OSError:
        return False


def _postgresql_reason(error: "PostgresError", settings: Settings) -> str:
    server = _database(settings)
    state = error.sqlstate or ""
    advice = {
        "28": "refuses the user or the password of HUBBUB_DATABASE_URL",
        "3D": "doesn't exist on that server: create it, or mend HUBBUB_DATABASE_URL",
        "42501": "does not let the user of HUBBUB_DATABASE_URL do this: grant that right",
        "53100": "has no disk space left: free some and start again; nothing was lost",
        "53300": "has no connection left: raise its max_connections, or start fewer processes",
        "57P": "is starting or stopping: try again in a moment",
        "25006": "is read-only (a standby?): name the primary in HUBBUB_DATABASE_URL",
    }
    for prefix, sentence in advice.items():
        if state.startswith(prefix):
            return f"{server} {sentence}"
    return f"{server} refuses to work ({type(error).__name__}, {state}): see its log"


def _database(settings: Settings) -> str:
    """What a person would call it: no user, no password, no options."""
    url: URL = make_url(settings.database_dsn)
    if settings.embedded:
        return f"the database file {url.database}"
    host = url.host or url.query.get("host", "localhost")
    return f"the PostgreSQL database {url.database} at {host}:{url.port or 5432}"
