"""WebSocket as uvicorn speaks it, with a way to write a frame that was built before.

A message to many sockets is the same bytes for all of them. Building its frame anew for each costs
more than writing it, so the app may hand over the whole frame. And a client that doesn't read, or
is gone without a word, is cut off: uvicorn closes a connection in order, which waits for the client
to read what is on its way, for ever.

And most sockets are silent most of the time. So the app may end its call once the conversation has
begun, and be called with what the client says: a call that waits, through all layers, is half of
what a silent socket would take.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Frame
from websockets.http11 import Request

from hubbub.realtime import outlets
from hubbub.realtime.errors import SLOW, SLOW_REASON
from hubbub.realtime.forms import FRAMED, Form

EXTENSION = "hubbub.line"
CLOSING_SECONDS = 5.0
BITE = 4096
"""So much is read at a time. What came in one go may be ten thousand frames, and others wait."""
MOST_CONTROLS = 1000
"""Pings and pongs of a client between two heartbeats."""
CHATTER = 1008, "too many pings"
_MOST_PIECES = 4096

# what uvicorn says of each connection has the query in it, and that may be secret
_logger = logging.getLogger("uvicorn.error.sockets")
_logger.setLevel(logging.WARNING)


class SocketProtocol(WebSocketsSansIOProtocol):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = self.conn.logger = _logger
        self.close_timeout = CLOSING_SECONDS
        self.writable = Gate()  # type: ignore[assignment]
        self._deaf = False
        """Whether whatever comes is dropped: the conversation is over."""
        self._is_heard = False
        """Whether the app is called with what comes."""
        self._is_behind = False
        """Whether more waits for the client than there mostly does."""
        self._rest = b""
        """What came and isn't read yet. As long as there is any, nothing more is taken."""
        self._controls = 0

    # what the app uses

    form: Form = FRAMED

    def put(self, event: bytes) -> None:
        """Never waits: who takes too little of it is cut off."""
        if self.close_sent or self.disconnected:
            return
        self.transport.write(event)
        if self._is_behind and self.transport.get_write_buffer_size() > outlets.MOST_BYTES:
            self.close(SLOW, SLOW_REASON)

    async def drained(self) -> None:
        await self.writable.wait()

    def close(self, code: int, reason: str) -> None:
        """Says goodbye, and waits only so long for the client to hear it."""
        if self.close_sent or self.disconnected:
            return
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        with suppress(InvalidState):  # the client may have said it first
            self.conn.send_close(code, reason)
        self._end()
        self.go_on()

    def listen(self, hear: Callable[[Any], None]) -> None:
        """The app's call may end: `hear` is called with each event that would have come out of
        `receive`, and then nothing is read until `go_on`."""
        came, self.queue = self.queue, _Ear(hear)  # type: ignore[assignment]
        self._is_heard = True
        while not came.empty():
            hear(came.get_nowait())

    def go_on(self) -> None:
        if self.read_paused:
            self.read_paused = False
            if not self.disconnected:
                self._take_more()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """The server doesn't end before this has, or its patience."""
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.on_task_complete)

    # what uvicorn calls

    def pause_writing(self) -> None:
        self._is_behind = True
        super().pause_writing()

    def resume_writing(self) -> None:
        self._is_behind = False
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._is_heard:
            # the conversation points to us, and we to it
            self.queue = _DEAF  # type: ignore[assignment]

    async def run_asgi(self) -> None:
        try:
            await self.app(self.scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except BaseException:
            self.logger.exception("socket.failed")
            self.send_500_response()
        else:
            if not self.handshake_complete:
                self.send_500_response()
        if not self._is_heard and self.close_timer is None:
            self.transport.close()
        del self.scope

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):
            # its task is made, and has not begun
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[EXTENSION] = self

    def data_received(self, data: bytes) -> None:
        if self._rest:
            self._rest += data
        elif len(data) <= BITE or not self.handshake_initiated:
            self._read(data)
        else:
            self._rest = data
            self.transport.pause_reading()
            self._read_on()

    def _read_on(self) -> None:
        bite, self._rest = self._rest[:BITE], self._rest[BITE:]
        self._read(bite)
        if self.disconnected or self.transport.is_closing():
            self._rest = b""
        elif not self.read_paused:
            self._take_more()

    def _take_more(self) -> None:
        if self._rest:
            self.loop.call_soon(self._read_on)
        else:
            self.transport.resume_reading()

    def _read(self, data: bytes) -> None:
        if self._deaf:
            return
        super().data_received(data)
        if not self.handshake_initiated:
            self._refuse()

    def _refuse(self) -> None:
        """A request that was one for HTTP, and is none for WebSocket. uvicorn would leave it."""
        answer = b"".join(self.conn.data_to_send()) or _BAD_REQUEST
        self.transport.write(answer)
        self.transport.close()
        self._abort_later()

    async def receive(self) -> ASGIReceiveEvent:
        event = await self.queue.get()
        if self.queue.empty():
            self.go_on()
        return event

    def handle_ping(self) -> None:
        if self._may_chatter():
            self.put(b"".join(self.conn.data_to_send()))

    def handle_pong(self, event: Frame) -> None:
        if self._may_chatter():
            super().handle_pong(event)

    def _may_chatter(self) -> bool:
        """They cost us as much as what is said, and no allowance counts them."""
        self._controls += 1
        if self._controls > MOST_CONTROLS:
            self._deaf = True
            self.close(*CHATTER)
        return not self._deaf

    def send_keepalive_ping(self) -> None:
        self._controls = 0
        super().send_keepalive_ping()

    def handle_close(self, event: Frame) -> None:
        super().handle_close(event)
        if self.close_timer is None:
            # who says goodbye may never read what is on its way, and that is waited for
            self._abort_later()

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) >= _MOST_PIECES:
            # empty ones would count nothing against the largest size
            self.conn.fail(1009, "too many pieces")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text" and not _is_text(b"".join(self.frames)):
            self.frames = []
            self.conn.fail(1007, "text must be UTF-8")
            self.handle_parser_exception()
            return
        super().send_receive_event_to_app()

    def handle_parser_exception(self) -> None:
        """The client is likely to be sending still: closed at once, it would be told by a reset
        connection instead of the code."""
        close = self.conn.close_sent
        if self.close_sent or close is None:
            self.transport.abort()
            return
        self.stop_keepalive()
        self.queue.put_nowait(
            {"type": "websocket.disconnect", "code": close.code, "reason": close.reason}
        )
        self._deaf = True
        self._end()
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def keepalive_timeout(self) -> None:
        """Nobody is there to say goodbye to."""
        self.pong_timer = None
        self.transport.abort()

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if message["type"] == "websocket.accept":
            # what nobody asks for any more
            self.request.headers.clear()
            del self.request, self.response
        if message["type"] == "websocket.close" and self.close_timer is not None:
            self.close_timer.cancel()
            self._abort_later()

    def _end(self) -> None:
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self._abort_later()

    def _abort_later(self) -> None:
        loop: asyncio.AbstractEventLoop = self.loop
        self.close_timer = loop.call_later(self.close_timeout, self.transport.abort)


class Gate:
    """An `asyncio.Event` that is small as long as nobody waits."""

    __slots__ = ("_is_open", "_waiting")

    def __init__(self) -> None:
        self._is_open = True
        self._waiting: asyncio.Event | None = None

    def is_set(self) -> bool:
        return self._is_open

    def set(self) -> None:
        self._is_open = True
        if self._waiting is not None:
            self._waiting.set()
            self._waiting = None

    def clear(self) -> None:
        self._is_open = False

    async def wait(self) -> None:
        if not self._is_open:
            if self._waiting is None:
                self._waiting = asyncio.Event()
            await self._waiting.wait()


class _Ear:
    """What uvicorn takes for the queue of `receive`."""

    __slots__ = ("put_nowait",)

    def __init__(self, hear: Callable[[Any], None]) -> None:
        self.put_nowait = hear


_DEAF = _Ear(lambda _: None)
_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
