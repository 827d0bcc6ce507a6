"""Whether a database has what a hub's has, and nothing else. A trigger of somebody else's would run
whenever the hub writes."""

import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from hubbub.kit.db import migrate
from hubbub.start import StartError

_OF_SQLITE = {"sqlite_stat1", "sqlite_stat4", "sqlite_sequence"}
_ARTICLES = {"index": "an"}


class _Object(NamedTuple):
    kind: str
    name: str
    table: str
    content: tuple[object, ...]
    """The columns of a table. Of what runs by itself every word; how tables and indexes are
    written depends on the versions of others."""


async def check_plain(database: Path, revision: str) -> None:
    """Raises `StartError` for what the tables of that revision don't have."""
    with TemporaryDirectory(dir=database.parent) as folder:
        model = Path(folder) / "model.db"
        await migrate.upgrade(f"sqlite+aiosqlite:///{model}", revision)
        expected, found = _objects(model), _objects(database)
    for has, kinds in (
        ("has {} that no hub has", found - expected),
        ("lacks {} that each hub has", expected - found),
    ):
        for kind in sorted({each.kind for each in kinds}):
            what = has.format(f"{_ARTICLES.get(kind, 'a')} {kind}")
            msg = f"the database of the backup {what}: take another backup"
            raise StartError(msg)


def _objects(path: Path) -> set[_Object]:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
        return {
            _Object(kind, name, table, _content(connection, kind, name, sql))
            for kind, name, table, sql in rows
            # what SQLite makes for a key has no statement of its own
            if sql is not None and not (kind == "table" and name in _OF_SQLITE)
        }


def _content(connection: sqlite3.Connection, kind: str, name: str, sql: str) -> tuple[object, ...]:
    if kind == "index":
        return ()
    if kind == "table" and not sql.upper().startswith("CREATE VIRTUAL"):
        asked = "SELECT name, hidden FROM pragma_table_xinfo(?)"
        return tuple(sorted(connection.execute(asked, (name,)).fetchall()))
    return tuple(sql.split())
