"""Compression of whole answers. A stream is left alone: compressing would hold its pieces back."""

import gzip

from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hubbub.kit.http.headers import RawHeaders, headers_of

_TEXTUAL = ("text/", "application/json", "application/problem+json", "application/javascript")
_STREAMS = ("text/event-stream",)
_LEVEL = 5
_LARGE = 64 * 1024
"""From here on a thread compresses, so that nobody else waits for it."""


class GZip:
    """That an answer depends on what the caller accepts, the outermost layer says on each."""

    def __init__(self, app: ASGIApp, min_bytes: int) -> None:
        self.app = app
        self.min_bytes = min_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _accepts_gzip(headers_of(scope)):
            return await self.app(scope, receive, send)
        start: Message | None = None

        async def compressed(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                if _compressible(message):
                    start = message  # until it is known how large the answer is
                else:
                    await send(message)
                return
            if start is not None:
                held, start = start, None
                body = message.get("body", b"")
                whole = not message.get("more_body")
                if whole and len(body) > self.min_bytes:
                    message = {**message, "body": await _compress(body)}
                    headers = MutableHeaders(scope=held)
                    headers["Content-Encoding"] = "gzip"
                    headers["Content-Length"] = str(len(message["body"]))
                await send(held)
            await send(message)

        return await self.app(scope, receive, compressed)


def _compressible(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    kind = headers.get("content-type", "")
    return (
        start["status"] != 206
        and "content-encoding" not in headers
        and kind.startswith(_TEXTUAL)
        and not kind.startswith(_STREAMS)
    )


def _accepts_gzip(headers: RawHeaders) -> bool:
    accepted = headers.get(b"accept-encoding")
    if not accepted:
        return False
    for part in accepted.decode("latin-1").lower().split(","):
        coding, _, weight = part.replace(" ", "").partition(";")
        if coding in {"gzip", "*"}:
            return weight not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


async def _compress(body: bytes) -> bytes:
    if len(body) < _LARGE:
        return gzip.compress(body, _LEVEL, mtime=0)
    return await to_thread.run_sync(lambda: gzip.compress(body, _LEVEL, mtime=0))
