"""HTTP/1.1 as uvicorn speaks it, with an end to what a client may send and how long that may take.

uvicorn gathers the head of a request however large it gets, waits for the rest of a request for
ever, and as long for a client to read its answer. All of this costs a client nothing and us memory
and connections, so it must not be left to the app: it sees a request only when its head is
complete, and an answer that doesn't get away not at all.
"""

import asyncio
from typing import Any

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from hubbub.cli.answering import AnswerCycle
from hubbub.kit.http.ending import ENDING

MAX_HEAD_BYTES = 64 * 1024


class Protocol(HttpToolsProtocol):
    def __init__(self, *args: Any, request_timeout: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._request_timeout = request_timeout
        # bytes since the last one that ended a head or belonged to a body: a head, the blank lines
        # before it, or what stands between and behind the chunks of a body
        self._gathered = 0
        self._receiving = True
        self._in_head = True
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._waited = False
        self._unread = 0
        """Bytes of our answer that waited for the client, at the last look."""
        self._reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # who connects has a request; uvicorn waits for a second one only, with its keep-alive
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        self._read_by_now()
        super().connection_lost(exc)

    def timeout_keep_alive_handler(self) -> None:
        # a request before the upgrade may have set the timer, and a socket is silent for hours
        if self.transport.get_protocol() is self:
            super().timeout_keep_alive_handler()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.transport.get_write_buffer_size()
        self._reading = self.loop.call_later(self._request_timeout, self._look_at_reader)

    def resume_writing(self) -> None:
        self._read_by_now()
        super().resume_writing()

    def handle_websocket_upgrade(self) -> None:
        """From here on another protocol has the connection, for hours maybe: nothing of this one is
        kept for that long."""
        super().handle_websocket_upgrade()
        self._receiving = False
        self._unwatch()
        # it points back to us
        self.parser = None  # type: ignore[assignment]

    def shutdown(self) -> None:
        """A stream that never ends by itself is asked to."""
        cycle = self._cycle()
        if cycle is not None and not cycle.response_complete:
            end = cycle.scope.get("state", {}).get(ENDING)
            if end is not None:
                end()
        super().shutdown()

    def data_received(self, data: bytes) -> None:
        if self._gathered + len(data) < MAX_HEAD_BYTES:
            self._take(data)
        else:
            self._take_in_pieces(memoryview(data))
        if self._receiving:
            self._watch()
        elif self.timeout_keep_alive_task is None and self._answered():
            # the rest of a body that nobody waited for, or a blank line: uvicorn stopped its
            # keep-alive timer for it and would never start it again
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _take(self, data: bytes | memoryview) -> None:
        self._gathered += len(data)
        super().data_received(data)  # type: ignore[arg-type]  # the parser takes both

    def _take_in_pieces(self, data: memoryview) -> None:
        """So that the parser never holds more of a head than it may have."""
        while data and not self.transport.is_closing():
            room = MAX_HEAD_BYTES - self._gathered
            if room == 0:
                self._refuse_head()
                return
            self._take(data[:room])
            if self.transport.get_protocol() is not self:
                return  # it speaks WebSocket now
            data = data[room:]

    def _refuse_head(self) -> None:
        self.logger.warning("Request head larger than %d bytes.", MAX_HEAD_BYTES)
        if self._in_head and not self._answering():
            content = [STATUS_LINE[431]]
            for name, value in self.server_state.default_headers:
                content += [name, b": ", value, b"\r\n"]
            content.append(b"content-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.write(b"".join(content))
            self.transport.close()
        else:
            # an answer is on its way, which another one would spoil
            self.transport.abort()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        # uvicorn makes it of its own class, and starts it here
        cycle.__class__ = AnswerCycle
        super()._start_asgi_task(cycle, app)

    # what the parser tells

    def on_message_begin(self) -> None:
        self._receiving = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._gathered = 0
        self._in_head = False
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._gathered = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._gathered = 0
        self._in_head = True
        self._receiving = False
        self._deadline = None
        super().on_message_complete()

    # time

    def _watch(self) -> None:
        """A head has one deadline for the whole of it; each part of a body moves it on.

        The timer isn't moved with the deadline: it looks when it fires. And most requests arrive
        in one piece and need none.
        """
        if self._deadline is None or not self._in_head:
            self._deadline = self.loop.time() + self._request_timeout
        if self._timer is None:
            self._timer = self.loop.call_at(self._deadline, self._look)

    def _unwatch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if not self._receiving or self._deadline is None or self.transport.is_closing():
            return
        now = self.loop.time()
        waits = self._waits_for_us()
        if waits or self._waited:
            # nobody tells when the client's turn came, so it gets its whole time from this look on
            self._deadline = now + self._request_timeout
        self._waited = waits
        if now < self._deadline:
            self._timer = self.loop.call_at(self._deadline, self._look)
        else:
            # not closed in order: who doesn't send may not read either, and that waits for ever
            self.transport.abort()

    def _read_by_now(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _look_at_reader(self) -> None:
        """Slow is no fault, as long as something is read."""
        unread = self.transport.get_write_buffer_size()
        if unread >= self._unread:
            self.transport.abort()
        else:
            self._unread = unread
            self._reading = self.loop.call_later(self._request_timeout, self._look_at_reader)

    def _waits_for_us(self) -> bool:
        """Whether it is not the client's fault that nothing comes."""
        if self.flow.read_paused or self.pipeline:
            return True
        if self._in_head:
            return self._answering()
        return self.cycle.waiting_for_100_continue

    def _answering(self) -> bool:
        """Whether an answer is still to come or on its way."""
        cycle = self._cycle()
        return cycle is not None and not cycle.response_complete

    def _answered(self) -> bool:
        cycle = self._cycle()
        return cycle is not None and cycle.response_complete

    def _cycle(self) -> RequestResponseCycle | None:
        """The latest request with its answer; uvicorn's annotation forgets the time before."""
        return self.cycle
