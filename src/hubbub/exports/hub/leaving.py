"""Writing a hub's file: a first line that says what it is, a line for each thing, and a last line
by which one knows that it is whole."""

import hashlib
from collections.abc import Callable
from contextlib import aclosing

import orjson

from hubbub import __version__
from hubbub.exports.forms import JsonLines, Rows
from hubbub.exports.hub.tables import FORMAT, TABLES, HubTable
from hubbub.kit.db import migrate
from hubbub.kit.db.snapshots import Pace, Snapshot

type Put = Callable[[bytes], None]
type Seen = Callable[[str, int], None]


def first_line() -> dict[str, object]:
    return {
        "kind": "hub",
        "format": FORMAT,
        "version": __version__,
        "revision": migrate.head(),
    }


class Digest:
    """What stands in the last line."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.counts: dict[str, int] = {}

    def add(self, content: bytes) -> None:
        self._hash.update(content)

    def count(self, kind: str, rows: int) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + rows

    def last_line(self) -> dict[str, object]:
        return {"kind": "end", "counts": self.counts, "sha256": self._hash.hexdigest()}


async def write_hub(snapshot: Snapshot, put: Put, seen: Seen = lambda *_: None) -> dict[str, int]:
    """All of one snapshot; returns how many there are of each kind."""
    digest = Digest()

    def line(content: dict[str, object]) -> None:
        written = orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE)
        digest.add(written)
        put(written)

    line(first_line())
    for table in TABLES:
        await _write_table(snapshot, table, digest, put, seen)
    line(digest.last_line())
    return digest.counts


async def _write_table(
    snapshot: Snapshot, table: HubTable, digest: Digest, put: Put, seen: Seen
) -> None:
    lines = JsonLines(table.forms, table.name)
    pace = Pace()

    def make(rows: Rows) -> tuple[int, bytes]:
        content = lines.batch(rows)
        digest.add(content)
        pace.weighed(len(rows), len(content))
        return len(rows), content

    async with aclosing(snapshot.batches(table.statement(), make, pace)) as batches:
        async for count, content in batches:
            put(content)
            digest.count(table.name, count)
            seen(table.name, count)
