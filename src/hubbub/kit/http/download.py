"""An answer that is made while it is sent, as large as it may be.

It ends when it is whole, or it is cut off: whoever reads it sees which of the two, and no error
ever stands between the data.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping

import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from hubbub.kit.db.sqlite import uninterrupted
from hubbub.kit.http.ending import when_ending

log = structlog.get_logger()

_PIECE = 64 * 1024
"""So much at a time: a reader must take it within the time that it may stall."""


async def _nothing() -> None:
    pass


class Download(StreamingResponse):
    def __init__(
        self,
        content: AsyncGenerator[bytes],
        close: Callable[[], Awaitable[None]] = _nothing,
        *,
        headers: Mapping[str, str],
        media_type: str,
        stall_seconds: float,
        max_seconds: float | None = None,
    ) -> None:
        """`close` is called in the end, whatever happens. `max_seconds` is for what keeps more
        open than a connection: a reader that takes a little now and then never stalls."""
        super().__init__(content, headers=headers, media_type=media_type)
        self._content = content
        self._close = close
        self._stall_seconds = stall_seconds
        self._max_seconds = max_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.create_task(self._send(send))
        left = asyncio.create_task(_leave(receive))

        def end() -> None:
            sending.cancel()

        when_ending(scope, end)
        try:
            done, _ = await asyncio.wait(
                {sending, left},
                timeout=self._max_seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not done:
                log.warning("download.too_slow", seconds=self._max_seconds)
            if not sending.done():
                raise ClientDisconnect
            if sending.cancelled():
                # the server ends, and doesn't wait until somebody has read everything
                log.warning("download.ended")
                raise ClientDisconnect
            sending.result()
        finally:
            await uninterrupted(self._end(sending, left))

    async def _send(self, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        async for content in self._content:
            for piece in _pieces(content):
                await self._send_piece(send, piece)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_piece(self, send: Send, piece: bytes) -> None:
        try:
            async with asyncio.timeout(self._stall_seconds):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except TimeoutError as error:
            log.warning("download.stalled", seconds=self._stall_seconds)
            raise ClientDisconnect from error

    async def _end(self, *tasks: asyncio.Task[None]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            await self._content.aclose()
        finally:
            await self._close()


def to_be_saved(file_name: str) -> str:
    """`Content-Disposition`, for a name of ours."""
    return f'attachment; filename="{file_name}"'


async def _leave(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _pieces(content: bytes) -> Iterator[bytes]:
    if len(content) <= _PIECE:
        yield content
        return
    for start in range(0, len(content), _PIECE):
        yield content[start : start + _PIECE]
