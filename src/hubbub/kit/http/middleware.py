"""The middleware stack, as plain ASGI classes, in one written order.

Each looks at the kind of connection first and lets what isn't its business pass untouched.
"""

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Receive, Scope, Send

from hubbub.kit.http.edge import Edge
from hubbub.kit.http.guard import Guard
from hubbub.kit.http.gzip import GZip
from hubbub.kit.http.headers import headers_of
from hubbub.kit.http.lane import Lane
from hubbub.kit.metrics import Metrics
from hubbub.settings import Settings


class CORS(CORSMiddleware):
    """Not in the way of those who are no browsers: they have no origin. That an answer depends on
    it, the outermost layer says on each."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and b"origin" in headers_of(scope):
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def add_middleware(app: FastAPI, settings: Settings, metrics: Metrics) -> None:
    """The whole stack, outermost first. Starlette would put what is added last outermost, so the
    list is handed over whole."""
    app.user_middleware = [
        # request id, access log, timing, security headers
        Middleware(Edge, metrics=metrics, https=settings.public_url.startswith("https://")),
        Middleware(
            CORS,
            allow_origins=settings.http.cors_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=[
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "Last-Event-ID",
                "X-API-Key",
            ],
            expose_headers=[
                "X-Request-ID",
                "Retry-After",
                "RateLimit",
                "RateLimit-Policy",
                "Idempotency-Replayed",
            ],
            allow_credentials=True,
        ),
        Middleware(GZip, min_bytes=settings.http.gzip_min_bytes),
        # trusted host, body limit, rate limit; innermost, so that its refusals and its 500 too
        # carry what the others put on each answer
        Middleware(Guard, settings=settings, larger=app.state.larger_bodies),
        Middleware(Lane, lanes=app.state.lanes),
    ]
