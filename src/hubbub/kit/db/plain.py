"""Columns as they leave the hub in bulk: each as text or a number that needs no more work in
Python, the same from both databases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    Enum,
    FunctionElement,
    Integer,
    Select,
    String,
    cast,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from hubbub.kit.db.base import Id, UtcDateTime

type Column = ColumnElement[Any]


class Form(StrEnum):
    """What a value of a column is, once it is out."""

    PLAIN = "plain"
    """Text that the hub makes: ids, times, words of its own."""
    TEXT = "text"
    """What somebody wrote."""
    NUMBER = "number"
    FLAG = "flag"
    JSON = "json"


class iso_time(FunctionElement[str]):  # noqa: N801 - used like a function
    """A time as ISO 8601 in UTC, always with microseconds."""

    type = String()
    inherit_cache = True
    name = "iso_time"


@compiles(iso_time, "sqlite")
def _iso_sqlite(element: iso_time, compiler: SQLCompiler, **kw: object) -> str:
    return f"(replace({compiler.process(element.clauses, **kw)}, ' ', 'T') || 'Z')"


@compiles(iso_time, "postgresql")
def _iso_postgresql(element: iso_time, compiler: SQLCompiler, **kw: object) -> str:
    at = compiler.process(element.clauses, **kw)
    return f"""to_char(({at}) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


class json_list(FunctionElement[list[Any]]):  # noqa: N801 - used like a function
    """An aggregate: all values as one JSON list, in the order of their bytes where an index of
    SQLite has them so."""

    type = JSON()
    inherit_cache = True
    name = "json_list"


@compiles(json_list, "sqlite")
def _list_sqlite(element: json_list, compiler: SQLCompiler, **kw: object) -> str:
    return f"json_group_array({compiler.process(element.clauses, **kw)})"


@compiles(json_list, "postgresql")
def _list_postgresql(element: json_list, compiler: SQLCompiler, **kw: object) -> str:
    value = compiler.process(element.clauses, **kw)
    return f"""coalesce(json_agg({value} ORDER BY ({value}) COLLATE "C"), '[]')"""


class bytewise(FunctionElement[str]):  # noqa: N801 - used like a function
    """A text to be ordered by, in the order of its bytes, which is the same everywhere."""

    type = String()
    inherit_cache = True
    name = "bytewise"


@compiles(bytewise, "sqlite")
def _bytewise_sqlite(element: bytewise, compiler: SQLCompiler, **kw: object) -> str:
    return compiler.process(element.clauses, **kw)


@compiles(bytewise, "postgresql")
def _bytewise_postgresql(element: bytewise, compiler: SQLCompiler, **kw: object) -> str:
    return f'({compiler.process(element.clauses, **kw)}) COLLATE "C"'


@dataclass(frozen=True, slots=True)
class Sheet:
    """A statement whose rows are ready to be written, and what each of its columns is."""

    forms: Mapping[str, Form]
    statement: Select[*tuple[Any, ...]]

    @property
    def names(self) -> Sequence[str]:
        return list(self.forms)


def leaving(columns: Mapping[str, Column]) -> Select[*tuple[Any, ...]]:
    """A SELECT of these columns under these names, to be narrowed and put in order."""
    return select(*(_plain(column).label(name) for name, column in columns.items()))


def forms_of(columns: Mapping[str, Column]) -> dict[str, Form]:
    return {name: form_of(column.type) for name, column in columns.items()}


def form_of(kind: TypeEngine[Any]) -> Form:
    match kind:
        case Id() | UtcDateTime() | Enum():
            return Form.PLAIN
        case Boolean():
            return Form.FLAG
        case Integer():
            return Form.NUMBER
        case JSON():
            return Form.JSON
        case String():
            return Form.TEXT
    msg = f"a column of {kind!r} has no plain form"
    raise TypeError(msg)


def _plain(column: Column) -> Column:
    match column.type:
        case Id():
            return cast(column, String)
        case UtcDateTime():
            return iso_time(column)
    return column
