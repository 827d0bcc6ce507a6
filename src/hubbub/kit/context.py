"""What is known of the request at hand, wherever the code is: for logs and for activity."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestContext:
    request_id: str
    address: str | None


request_context: ContextVar[RequestContext | None] = ContextVar("request_context", default=None)
