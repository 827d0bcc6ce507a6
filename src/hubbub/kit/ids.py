"""Identifiers: UUIDv7, so that new rows land at the end of an index."""

from datetime import datetime
from uuid import UUID

import uuid_utils
import uuid_utils.compat


def new_id() -> UUID:
    return uuid_utils.compat.uuid7()


def new_id_text() -> str:
    """The same as text, at a fifth of the price."""
    return str(uuid_utils.uuid7())


FIRST_ID = str(UUID(int=0))
"""Before all that are ever made."""


def first_id_at(at: datetime, *, later: int = 0) -> UUID:
    """The lowest id that can be made at that time, or so many seconds after it: a bound that lets
    the key of a table serve a span of time."""
    milliseconds = max(0, int(at.timestamp() * 1000) + later * 1000)
    return UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62)
