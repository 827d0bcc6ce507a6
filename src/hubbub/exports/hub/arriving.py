"""Filling an empty hub from a file, in one transaction: it is there as a whole, or not at all."""

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import IO, Any

from sqlalchemy import Table, select

from hubbub.auth.passwords import hash_password
from hubbub.exports.hub.checks import Lines, NotSo
from hubbub.exports.hub.fitting import misfits
from hubbub.exports.hub.indexing import index_messages, index_posts
from hubbub.exports.hub.lines import FileRefusedError, HubFile
from hubbub.exports.hub.numbers import Numbers
from hubbub.exports.hub.tables import OF_NEW_HUBS, TABLES, HubTable
from hubbub.kit.db.bulk import Bulk, RefusedError, Row
from hubbub.users.models import User

_ROWS, _BYTES = 1000, 512 * 1024

type Seen = Callable[[str, int], None]


class NotEmptyError(Exception):
    """There is something in the hub already."""


async def fill_hub(bulk: Bulk, file: IO[bytes], seen: Seen = lambda *_: None) -> Mapping[str, int]:
    """Returns how many there are of each kind."""
    # nobody knows what this is the hash of
    no_password = await hash_password(secrets.token_urlsafe(32))
    await bulk.keep_others_out([each.table for each in TABLES])
    await _check_empty(bulk)
    hub_file = HubFile(file)
    numbers = Numbers()
    loading: _Loading | None = None
    for kind, line in hub_file.things():
        if loading is None or loading.table.name != kind:
            if loading is not None:
                await loading.flush()
            loading = _Loading(bulk, hub_file, _BY_NAME[kind], no_password, seen)
        await loading.add(line)
        if numbers.gap(kind, line):
            hub_file.refuse(f"({kind}) is refused: seq is not the one that comes next")
    if loading is not None:
        await loading.flush()
    if found := await misfits(bulk):
        raise FileRefusedError(found)
    now = bulk.time(datetime.now(UTC))
    await index_messages(bulk, now)
    await index_posts(bulk)
    return hub_file.counts


_BY_NAME = {table.name: table for table in TABLES}


async def _check_empty(bulk: Bulk) -> None:
    for each in TABLES:
        if each.name in OF_NEW_HUBS:
            await bulk.empty(each.table)
        elif await bulk.rows(select(*each.table.primary_key).limit(1)):
            raise NotEmptyError


class _Loading:
    """The rows of one table, stored some at a time."""

    def __init__(
        self, bulk: Bulk, file: HubFile, table: HubTable, no_password: str, seen: Seen
    ) -> None:
        self.table = table
        self._bulk = bulk
        self._file = file
        self._lines = Lines(table, bulk)
        self._more = _also(table.table, no_password)
        self._seen = seen
        self._rows: list[Row] = []
        self._size = 0

    async def add(self, line: Mapping[str, Any]) -> None:
        try:
            row = self._lines.row(line)
        except NotSo as error:
            self._file.refuse(f"({self.table.name}) is refused: {error}")
        self._rows.append((*row, *self._more.values()))
        self._size += sum(len(cell) for cell in row if isinstance(cell, str))
        if len(self._rows) >= _ROWS or self._size >= _BYTES:
            await self.flush()

    async def flush(self) -> None:
        rows, self._rows, self._size = self._rows, [], 0
        names = [*self._lines.columns, *self._more]
        try:
            await self._bulk.insert(self.table.table, names, rows)
        except RefusedError:
            self._file.refuse(
                f"or one of the {len(rows)} before it ({self.table.name}) says something twice, or"
                " refers to what isn't in the file"
            )
        self._seen(self.table.name, len(rows))


def _also(table: Table, no_password: str) -> dict[str, Any]:
    """What isn't in the file and can't be left empty."""
    return {"password_hash": no_password} if table is User.__table__ else {}
