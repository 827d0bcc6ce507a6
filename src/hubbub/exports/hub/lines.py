"""Reading a hub's file, line by line: what comes first, what comes last, and that between them
nothing is missing, too much, or out of order."""

import gzip
import zlib
from collections.abc import Iterator, Mapping
from typing import IO, Any, NoReturn

import orjson

from hubbub.exports.hub.leaving import Digest, first_line
from hubbub.exports.hub.tables import FORMAT, TABLES

LONGEST = 16 * 1024 * 1024
_KINDS = {table.name: number for number, table in enumerate(TABLES)}


class FileRefusedError(Exception):
    """Says what is wrong with the file and where, and nothing of what stands there."""


class HubFile:
    """Goes through the file once."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = Digest()
        self.number = 0
        """Of the line that was read last."""

    def things(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Each with its kind. Raises at the end if the file isn't whole."""
        self._check_first(self._next())
        reached = 0
        while True:
            line = self._next()
            kind = line.get("kind")
            if kind == "end":
                return self._check_last(line)
            if not isinstance(kind, str) or kind not in _KINDS:
                self.refuse("is of a kind that isn't known")
            if _KINDS[kind] < reached:
                self.refuse("comes too late: the kinds have an order")
            reached = _KINDS[kind]
            self._digest.count(kind, 1)
            yield kind, line

    @property
    def counts(self) -> Mapping[str, int]:
        return self._digest.counts

    def refuse(self, why: str) -> NoReturn:
        msg = f"line {self.number} {why}"
        raise FileRefusedError(msg)

    def _next(self) -> Mapping[str, Any]:
        self.number += 1
        written = self._read_line(LONGEST + 1)
        if len(written) > LONGEST:
            self.refuse(f"is longer than {LONGEST} bytes")
        if not written.endswith(b"\n"):
            self._cut_off()
        try:
            line = orjson.loads(written)
        except orjson.JSONDecodeError:
            self.refuse("is no JSON")
        if not isinstance(line, dict):
            self.refuse("is no object")
        if line.get("kind") != "end":
            self._digest.add(written)
        return line

    def _read_line(self, most: int) -> bytes:
        try:
            return self._file.readline(most)
        except (zlib.error, gzip.BadGzipFile):
            msg = f"what is packed in the file is damaged behind line {self.number - 1}"
            raise FileRefusedError(msg) from None
        except (EOFError, OSError):
            self._cut_off()

    def _cut_off(self) -> NoReturn:
        msg = f"the file is cut off at line {self.number}: its last line is missing"
        raise FileRefusedError(msg)

    def _check_first(self, line: Mapping[str, Any]) -> None:
        if line.get("kind") != "hub":
            self.refuse("is not the first line of a hub's file")
        if line.get("format") != FORMAT:
            self.refuse(f"says another format than {FORMAT}, the only one that this version reads")
        mine = first_line()
        if line.get("revision") != mine["revision"]:
            self.refuse(
                f"says other tables than those of this version: it takes revision"
                f" {mine['revision']}. Import it with the version that wrote it, then upgrade"
            )
        if line.keys() != mine.keys() or not isinstance(line["version"], str):
            self.refuse("is not the first line of a hub's file")

    def _check_last(self, line: Mapping[str, Any]) -> None:
        if dict(line) != self._digest.last_line():
            self.refuse("doesn't fit what stands before it: something was changed or lost")
        # what is packed is checked as a whole behind its last line
        self.number += 1
        if self._read_line(1):
            self.number -= 1
            self.refuse("is not the last one, as it should be")
