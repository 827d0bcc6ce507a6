"""Whether a line of a hub's file is what it says. Nothing of it is believed, whoever made it, and
nothing of it is repeated in what is said about it."""

import inspect
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, get_args, get_origin

import orjson
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import JSON, BigInteger, Boolean, Enum, Integer, SmallInteger, String
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeEngine

from hubbub.exports.hub.rules import RULES, Rules
from hubbub.exports.hub.tables import HubTable
from hubbub.kit.db.base import Id, UtcDateTime
from hubbub.kit.db.bulk import Values
from hubbub.kit.db.plain import Column
from hubbub.kit.schema import JsonObject

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_OBJECT: TypeAdapter[dict[str, Any]] = TypeAdapter(JsonObject)

type Check = Callable[[Any], Any]


class NotSo(ValueError):
    """What is wrong with a line, without anything of it."""


class Lines:
    """Turns the lines of one table into what its database stores."""

    def __init__(self, table: HubTable, values: Values) -> None:
        self._checks = {
            name: _check(column, _json_check(table, column), values)
            for name, column in table.columns.items()
        }
        rules = RULES.get(table.model, Rules())
        self._rules = list(rules.each.items())
        self._together = rules.together
        self._names = set(self._checks) | {"kind"}
        self.columns = [column.name for column in table.columns.values()]
        """What they are called in the database."""

    def row(self, line: Mapping[str, Any]) -> tuple[Any, ...]:
        if line.keys() != self._names:
            missing = sorted(self._names - line.keys())
            msg = f"{missing[0]} is missing" if missing else "it has a field that isn't known"
            raise NotSo(msg)
        found = []
        for name, check in self._checks.items():
            try:
                found.append(check(line[name]))
            except ValueError as error:
                msg = f"{name} is not {error.args[0] if isinstance(error, NotSo) else 'right'}"
                raise NotSo(msg) from None
        self._check_rules(line)
        return tuple(found)

    def _check_rules(self, line: Mapping[str, Any]) -> None:
        for name, rule in self._rules:
            value = line[name]
            if value is not None and not rule.holds(value):
                msg = f"{name} is not {rule.otherwise}"
                raise NotSo(msg)
        for rule in self._together:
            if not rule.holds(line):
                raise NotSo(rule.otherwise)


def _json_check(table: HubTable, column: Column) -> Check:
    """All of these are JSON to the database."""
    shape = table.shapes.get(column.name)
    if shape is not None:
        return _shaped(TypeAdapter(shape))
    return _words if _is_list(table.model, column) else _object


def _is_list(model: type[DeclarativeBase], column: Column) -> bool:
    key = model.__mapper__.get_property_by_column(column).key
    for base in model.__mro__:
        found = inspect.get_annotations(base).get(key)
        if found is not None:
            return get_origin(get_args(found)[0]) is list
    return False


def _check(column: Column, json_check: Check, values: Values) -> Check:
    check = _check_of(column.type, json_check, values)
    nullable = bool(getattr(column, "nullable", False))

    def checked(value: object) -> object:
        if value is None:
            if not nullable:
                msg = "given"
                raise NotSo(msg)
            return None
        return check(value)

    return checked


def _check_of(  # noqa: PLR0911 - one for each type
    kind: TypeEngine[Any], json_check: Check, values: Values
) -> Check:
    match kind:
        case Id():
            return _id
        case UtcDateTime():
            return lambda value: values.time(_time(value))
        case Enum():
            return _one_of(frozenset(kind.enums))
        case Boolean():
            return _flag
        case Integer():
            bits = 16 if isinstance(kind, SmallInteger) else 64
            return _number(bits if isinstance(kind, SmallInteger | BigInteger) else 32)
        case JSON():
            return json_check
        case String():
            return _text(kind.length)
    msg = f"a column of {kind!r} can't be checked"
    raise TypeError(msg)


def _id(value: object) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        msg = "an id"
        raise NotSo(msg)
    return value


def _time(value: object) -> datetime:
    if isinstance(value, str) and _TIME.fullmatch(value):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    msg = "a time such as 2026-01-31T23:59:59.000000Z"
    raise NotSo(msg)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        msg = "true or false"
        raise NotSo(msg)
    return value


def _one_of(words: frozenset[str]) -> Check:
    def check(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            msg = "a word that is known there"
            raise NotSo(msg)
        return value

    return check


def _number(bits: int) -> Check:
    """The hub has none below zero."""
    high = (1 << bits - 1) - 1

    def check(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= high:
            msg = f"a whole number of {bits} bits, zero or more"
            raise NotSo(msg)
        return value

    return check


def _text(length: int | None) -> Check:
    def check(value: object) -> str:
        if not isinstance(value, str) or "\x00" in value:
            msg = "a text without NUL"
            raise NotSo(msg)
        if length is not None and len(value) > length:
            msg = f"a text of at most {length} characters"
            raise NotSo(msg)
        return value

    return check


def _object(value: object) -> str:
    try:
        return orjson.dumps(_OBJECT.validate_python(value, strict=True)).decode()
    except ValidationError:
        msg = "a plain JSON object"
        raise NotSo(msg) from None


def _shaped(shape: TypeAdapter[Any]) -> Check:
    def check(value: object) -> str:
        try:
            text = orjson.dumps(value)
            shape.validate_json(text, strict=True)
        except (TypeError, ValidationError):  # the first for what is nested too deep
            msg = "as the hub writes it"
            raise NotSo(msg) from None
        return text.decode()

    return check


def _words(value: object) -> str:
    text = _text(None)
    if not isinstance(value, list):
        msg = "a list of texts"
        raise NotSo(msg)
    return orjson.dumps([text(each) for each in value]).decode()
