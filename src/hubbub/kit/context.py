"""What is known of the request at hand, wherever the code is: for logs and for activity."""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, NamedTuple


class RequestContext(NamedTuple):
    request_id: str
    address: str | None


LONGEST_ADDRESS = 64


def address_of(scope: Mapping[str, Any]) -> str | None:
    """Where a request comes from. A proxy that we trust may say anything, of any length."""
    client = scope.get("client")
    return client[0][:LONGEST_ADDRESS] if client else None


request_context: ContextVar[RequestContext | None] = ContextVar("request_context", default=None)
