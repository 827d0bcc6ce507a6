"""A stream as an answer that doesn't end: what a browser's EventSource reads."""

import asyncio
from collections.abc import Callable

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from hubbub.kit.http.ending import when_ending
from hubbub.realtime.outlets import QueueOutlet

KEEP_ALIVE = 15.0
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class EventStream(Response):
    """Sends what comes out of an outlet, and from time to time a word that it is still there."""

    media_type = "text/event-stream"

    def __init__(self, outlet: QueueOutlet, end: Callable[[], None]) -> None:
        super().__init__()
        self._outlet = outlet
        self._end = end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        when_ending(scope, lambda: self._outlet.close(1012, ""))
        leaving = asyncio.create_task(self._wait_for_leave(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
            await send(_part(b"retry: 2000\n\n"))
            while (events := await self._outlet.taken(KEEP_ALIVE)) is not None:
                await send(_part(b"".join(events) or b": here\n\n"))
            await send({"type": "http.response.body", "body": b""})
        finally:
            leaving.cancel()
            self._end()

    async def _wait_for_leave(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._outlet.close(1001, "")


def _part(body: bytes) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": True}
