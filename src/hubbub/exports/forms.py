"""Rows as bytes: a batch at a time, column by column, in a thread that nobody waits for."""

import csv
import io
import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import orjson

from hubbub.exports.types import Format
from hubbub.kit.db.plain import Form

type Rows = Sequence[Sequence[Any]]

# some programs take the wide ones for the others
_SIGNS = "=+\\-@＝＋－＠\t\r"
_FORMULA = re.compile(rf"[\s\ufeff\u200b-\u200f\u2060]*[{_SIGNS}]")
_WORD = re.compile(r"\w|[\"'(<\[{#*]")
_GZIP = 31
_LEVEL = 5


class Writer(Protocol):
    def head(self) -> bytes:
        """What stands before all rows, also when there are none."""
        ...

    def batch(self, rows: Rows) -> bytes: ...


def writer_of(written: Format, forms: Mapping[str, Form]) -> Writer:
    return CsvWriter(forms) if written is Format.CSV else JsonLines(forms)


def defused(cell: str) -> str:
    """A spreadsheet takes what begins so for a formula and runs it."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


class CsvWriter:
    """RFC 4180."""

    def __init__(self, forms: Mapping[str, Form]) -> None:
        self._names = list(forms)
        self._forms = list(forms.values())

    def head(self) -> bytes:
        return _csv([self._names])

    def batch(self, rows: Rows) -> bytes:
        columns = [
            _cells(form, column)
            for form, column in zip(self._forms, zip(*rows, strict=True), strict=True)
        ]
        return _csv(zip(*columns, strict=True))


def _cells(form: Form, column: Sequence[Any]) -> Sequence[Any]:
    match form:
        case Form.TEXT:
            # most begin with a letter, which is found out sooner
            return [cell if not cell or _WORD.match(cell) else defused(cell) for cell in column]
        case Form.FLAG:
            return [cell if cell is None else "true" if cell else "false" for cell in column]
        case Form.JSON:
            return [
                cell if cell is None else orjson.dumps(orjson.loads(cell)).decode()
                for cell in column
            ]
    return column


def _csv(rows: Any) -> bytes:  # noqa: ANN401 - what the csv module takes
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


class JsonLines:
    """One object a line; what was stored stays as it is. `kind` says on each what it is."""

    def __init__(self, forms: Mapping[str, Form], kind: str | None = None) -> None:
        self._kind = {} if kind is None else {"kind": kind}
        self._names = list(forms)
        self._forms = list(forms.values())

    def head(self) -> bytes:
        return b""

    def batch(self, rows: Rows) -> bytes:
        columns = [
            _values(form, column)
            for form, column in zip(self._forms, zip(*rows, strict=True), strict=True)
        ]
        lines = (
            orjson.dumps(
                self._kind | dict(zip(self._names, row, strict=True)),
                option=orjson.OPT_APPEND_NEWLINE,
            )
            for row in zip(*columns, strict=True)
        )
        return b"".join(lines)


def _values(form: Form, column: Sequence[Any]) -> Sequence[Any]:
    match form:
        case Form.FLAG:
            return [cell if cell is None else bool(cell) for cell in column]
        case Form.JSON:
            return [cell if cell is None else orjson.loads(cell) for cell in column]
    return column


class Packer:
    """Compresses what is written, or passes it on."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = zlib.compressobj(_LEVEL, wbits=_GZIP) if gzip else None

    def pack(self, content: bytes) -> bytes:
        return content if self._gzip is None else self._gzip.compress(content)

    def end(self) -> bytes:
        return b"" if self._gzip is None else self._gzip.flush()
