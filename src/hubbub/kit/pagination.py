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
        value, row_id = _decode(page.cursor, order)
        last = tuple_(literal(value, order.column.type), literal(row_id, order.id.type))
        statement = statement.where(after < last if order.descending else after > last)
    statement = statement.order_by(*(key.desc() if order.descending else key for key in keys))
    rows = (await session.scalars(statement.limit(page.limit + 1))).unique().all()
    if len(rows) <= page.limit:
        return rows, None
    rows = rows[: page.limit]
    return rows, _encode(rows[-1], order)


def _encode(row: object, order: Order) -> str:
    value = getattr(row, order.column.key)
    if isinstance(value, datetime):
        value = value.isoformat()
    content = orjson.dumps([order.name, value, str(getattr(row, order.id.key))])
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _decode(cursor: str, order: Order) -> tuple[Any, Any]:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        name, value, row_id = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if name != order.name:
            raise InvalidCursor
        return _value(value, order.column.type), UUID(row_id)
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise InvalidCursor from error


def _value(value: object, column: TypeEngine[Any]) -> object:
    """Anybody can write a cursor, so what is in one must be something that the column can hold."""
    kind = column.python_type
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
