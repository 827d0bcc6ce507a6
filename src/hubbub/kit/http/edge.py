"""The outermost layer: gives each request its name, puts on each answer what all of them carry, and
times, counts and logs it.

These were layers of their own once. Each of them costs a wrapper around `send`, and together they
cost more than storing a message.
"""

import re
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hubbub.kit.context import RequestContext, address_of, request_context
from hubbub.kit.http.headers import headers_of
from hubbub.kit.ids import new_id_text
from hubbub.kit.logging import access_line
from hubbub.kit.metrics import Metrics

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

# what makes a browser careful, unless an answer has set its own
_CAREFUL = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=()",
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
}


class Edge:
    def __init__(self, app: ASGIApp, metrics: Metrics, *, https: bool) -> None:
        self.app = app
        self.metrics = metrics
        careful = dict(_CAREFUL)
        if https:
            careful[b"strict-transport-security"] = b"max-age=31536000"
        self.careful = tuple(careful.items())
        self.careful_names = frozenset(careful)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._connect(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        status = 500
        request_id = _request_id(scope)
        state = scope["state"]
        state["request_id"] = request_id

        async def dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                state["answer_begun"] = True
                given = message["headers"]
                careful = self.careful
                if not self.careful_names.isdisjoint([name for name, _ in given]):
                    own = {name for name, _ in given}
                    careful = tuple(header for header in careful if header[0] not in own)
                message["headers"] = [
                    *given,
                    (b"x-request-id", request_id.encode()),
                    (b"x-process-time", b"%.4f" % (perf_counter() - started)),
                    (b"vary", b"Accept-Encoding, Origin"),
                    *careful,
                    *state.get("allowance_headers", ()),
                ]
            await send(message)

        token = request_context.set(RequestContext(request_id, address_of(scope)))
        self.metrics.in_flight += 1
        try:
            await self.app(scope, receive, dressed)
        finally:
            request_context.reset(token)
            self.metrics.in_flight -= 1
            elapsed = perf_counter() - started
            route = route_template(scope)
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self.metrics.answered(method, route, status, elapsed)
            # without the query: it may be secret
            access_line(request_id, method, route, status, elapsed)

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = _request_id(scope)
        scope["state"]["request_id"] = request_id

        async def named(message: Message) -> None:
            if message["type"] == "websocket.accept":
                headers = message.get("headers", [])
                message["headers"] = [*headers, (b"x-request-id", request_id.encode())]
            await send(message)

        token = request_context.set(RequestContext(request_id, address_of(scope)))
        try:
            await self.app(scope, receive, named)
        finally:
            request_context.reset(token)


def _request_id(scope: Scope) -> str:
    """The caller's own, where that is harmless."""
    given = headers_of(scope).get(b"x-request-id")
    if given is not None and _REQUEST_ID.fullmatch(given):
        return given.decode()
    return new_id_text().replace("-", "")


def route_template(scope: Scope) -> str:
    """`/api/v1/users/{user_id}` rather than the path itself: few values, and none from a caller."""
    # a route of an included router knows its own part of the path; the whole is in this context
    included = scope.get("fastapi", {}).get("effective_route_context")
    return getattr(included or scope.get("route"), "path", None) or "unmatched"
