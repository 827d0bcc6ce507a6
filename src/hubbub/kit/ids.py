"""Identifiers: UUIDv7, so that new rows land at the end of an index."""

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
