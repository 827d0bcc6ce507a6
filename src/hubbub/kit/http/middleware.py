"""The middleware stack, as plain ASGI classes, in one written order.

Each looks at the kind of connection first and lets what isn't its business pass untouched.
"""

import re
import secrets
from collections.abc import Sequence
from time import perf_counter

import structlog
from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hubbub.kit.context import RequestContext, address_of, request_context
from hubbub.kit.errors import TooLarge
from hubbub.kit.http.gzip import GZip
from hubbub.kit.http.limits import RateLimit
from hubbub.kit.http.problems import internal_problem, problem
from hubbub.kit.logging import access_line
from hubbub.kit.metrics import Metrics
from hubbub.settings import Settings

log = structlog.get_logger()

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_HTTP = ("http", "websocket")


class RequestId:
    """Names each request, by the caller's own id where that is harmless."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in _HTTP:
            return await self.app(scope, receive, send)
        given = next((v for k, v in scope["headers"] if k == b"x-request-id"), b"")
        request_id = given.decode() if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
        scope.setdefault("state", {})["request_id"] = request_id
        token = request_context.set(RequestContext(request_id, address_of(scope)))
        encoded = request_id.encode()

        async def named(message: Message) -> None:
            if message["type"] in {"http.response.start", "websocket.accept"}:
                message.setdefault("headers", [])
                message["headers"] = [*message["headers"], (b"x-request-id", encoded)]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive, named)
            finally:
                request_context.reset(token)
        return None


class AccessLog:
    """Times and counts each request and writes one line for it, without the query: it may be
    secret."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        started = perf_counter()
        status = 500

        async def timed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                elapsed = f"{perf_counter() - started:.4f}".encode()
                message["headers"] = [*message["headers"], (b"x-process-time", elapsed)]
            await send(message)

        self.metrics.in_flight.inc()
        try:
            await self.app(scope, receive, timed)
        finally:
            elapsed = perf_counter() - started
            route = route_template(scope)
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self.metrics.in_flight.dec()
            self.metrics.answered(method, route, status, elapsed)
            access_line(method, route, status, elapsed)
        return None


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def route_template(scope: Scope) -> str:
    """`/api/v1/users/{user_id}` rather than the path itself: few values, and none from a caller."""
    # a route of an included router knows its own part of the path; the whole is in this context
    included = scope.get("fastapi", {}).get("effective_route_context")
    return getattr(included or scope.get("route"), "path", None) or "unmatched"


class Crashes:
    """The last resort: an unforeseen exception is logged once and answered as a bare 500."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception:
            log.exception("request.crashed", route=route_template(scope))
            if begun:
                raise  # half an answer is out: let the server cut the connection
            await internal_problem()(scope, receive, send)
        return None


class TrustedHost:
    def __init__(self, app: ASGIApp, allowed: Sequence[str]) -> None:
        self.app = app
        self.anything = "*" in allowed
        self.exact = {host.lower() for host in allowed if not host.startswith("*.")}
        self.suffixes = tuple(host[1:].lower() for host in allowed if host.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in _HTTP or self.anything or self._allows(Headers(scope=scope)):
            return await self.app(scope, receive, send)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})
        refusal = problem(
            400,
            "unknown_host",
            "This server doesn't answer under that host name",
            "The operator names the host names in HUBBUB_HTTP__ALLOWED_HOSTS.",
        )
        return await refusal(scope, receive, send)

    def _allows(self, headers: Headers) -> bool:
        host = re.sub(r":\d*$", "", headers.get("host", "")).lower()
        return host in self.exact or (bool(self.suffixes) and host.endswith(self.suffixes))


class SecurityHeaders:
    """Sets what a browser needs to be careful, unless the answer has set its own."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self.app = app
        headers = {
            b"x-content-type-options": b"nosniff",
            b"x-frame-options": b"DENY",
            b"referrer-policy": b"no-referrer",
            b"cross-origin-opener-policy": b"same-origin",
            b"permissions-policy": b"camera=(), geolocation=(), microphone=()",
            b"cache-control": b"no-store",
            b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
        }
        if https:
            headers[b"strict-transport-security"] = b"max-age=31536000"
        self.headers = tuple(headers.items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def careful(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = message["headers"]
                own = {name for name, _ in given}
                message["headers"] = [
                    *given,
                    *(header for header in self.headers if header[0] not in own),
                ]
            await send(message)

        return await self.app(scope, receive, careful)


_CLOSE = {"Connection": "close"}
_MAX_DIGITS = 18


class BodyLimit:
    """Counts while reading, so that a body without a length is stopped just the same."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        length = Headers(scope=scope).get("content-length", "0")
        if not (length.isascii() and length.isdecimal()):
            refusal = problem(
                400,
                "bad_request",
                "The request can't be read as it is",
                "Content-Length must be a number.",
                headers=_CLOSE,
            )
            return await refusal(scope, receive, send)
        # by its digits first: Python refuses to read a number of thousands of them
        digits = length.lstrip("0") or "0"
        if len(digits) > _MAX_DIGITS or int(digits) > self.max_bytes:
            refusal = problem(
                413,
                TooLarge.code,
                TooLarge.title,
                f"Send at most {self.max_bytes} bytes.",
                headers=_CLOSE,
            )
            return await refusal(scope, receive, send)
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            if message["type"] == "http.request":
                read += len(message.get("body", b""))
                if read > self.max_bytes:
                    raise HTTPException(413)  # FastAPI lets no other pass its reading of a body
            return message

        return await self.app(scope, counted, send)


def add_middleware(app: FastAPI, settings: Settings, metrics: Metrics) -> None:
    """The whole stack, outermost first. Starlette would put what is added last outermost, so the
    list is handed over whole."""
    app.user_middleware = [
        Middleware(RequestId),
        Middleware(AccessLog, metrics=metrics),
        Middleware(TrustedHost, allowed=settings.http.allowed_hosts),
        Middleware(
            CORSMiddleware,
            allow_origins=settings.http.cors_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-API-Key"],
            expose_headers=["X-Request-ID", "Retry-After", "RateLimit", "RateLimit-Policy"],
            allow_credentials=True,
        ),
        Middleware(SecurityHeaders, https=settings.public_url.startswith("https://")),
        Middleware(GZip, min_bytes=settings.http.gzip_min_bytes),
        Middleware(BodyLimit, max_bytes=settings.http.max_body_bytes),
        Middleware(RateLimit, settings=settings.limits),
        # innermost, so that a 500 too carries what the others put on each answer
        Middleware(Crashes),
    ]
