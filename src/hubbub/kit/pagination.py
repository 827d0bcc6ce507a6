"""Pages by keyset: the cost of a page doesn't grow with how far one has read.

A cursor names the last row of the page before, and the order it belongs to; it is only valid with
the order it was made for.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel
from sqlalchemy import BigInteger, ColumnElement, Select, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.types import TypeEngine

from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.kit.errors import BadRequest


class InvalidCursor(BadRequest):
    code = "invalid_cursor"
    title = "That cursor doesn't belong to this listing; start again without one"


@dataclass(frozen=True, slots=True)
class PageRequest:
    limit: int
    cursor: str | None


class PageOf[T](BaseModel):
    items: list[T]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """By one column that is never empty, and by id among equals. `name` is what a cursor is bound
    to."""

    name: str
    column: InstrumentedAttribute[Any]
    id: InstrumentedAttribute[UUID]
    descending: bool = False


async def paginate[M](
    session: AsyncReadSession, statement: Select[M], order: Order, page: PageRequest
) -> tuple[Sequence[M], str | None]:
    """One page of `statement`, and the cursor of the next one if there is any."""
    keys: tuple[ColumnElement[Any] | InstrumentedAttribute[Any], ...] = (order.column, order.id)
    if page.cursor is not None:
        after = tuple_(*keys)
        value, row_id = read_cursor(page.cursor, order.name, order.column.type, order.id.type)
        last = tuple_(literal(value, order.column.type), literal(row_id, order.id.type))
        statement = statement.where(after < last if order.descending else after > last)
    statement = statement.order_by(*(key.desc() if order.descending else key for key in keys))
    rows = (await session.scalars(statement.limit(page.limit + 1))).unique().all()
    if len(rows) <= page.limit:
        return rows, None
    rows = rows[: page.limit]
    last_row = rows[-1]
    values = (getattr(last_row, key.key) for key in (order.column, order.id))
    return rows, write_cursor(order.name, *values)


def write_cursor(name: str, *values: object) -> str:
    """Names the last row of a page by what it is ordered by."""
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    content = orjson.dumps([name, *plain])
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def read_cursor(cursor: str, name: str, *types: TypeEngine[Any]) -> list[Any]:
    """The values that were written, each as its column holds it."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        found, *values = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if found != name:
            raise InvalidCursor
        return [_value(value, kind) for value, kind in zip(values, types, strict=True)]
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise InvalidCursor from error


def _value(value: object, column: TypeEngine[Any]) -> object:
    """Anybody can write a cursor, so what is in one must be something that the column can hold."""
    kind = column.python_type
    if kind is UUID and isinstance(value, str):
        return UUID(value)
    if kind is datetime and isinstance(value, str):
        at = datetime.fromisoformat(value)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    elif kind is int and type(value) is int:
        most = 2 ** (63 if isinstance(column, BigInteger) else 31)
        if -most <= value < most:
            return value
    elif isinstance(value, str) and "\x00" not in value and issubclass(kind, str):
        return value
    raise InvalidCursor
