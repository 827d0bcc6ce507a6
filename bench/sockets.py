"""Sockets that listen and cost little: frames are counted, not read."""

import asyncio
import base64
import os
import time
from collections.abc import Callable, Mapping
from typing import cast

type Hear = Callable[[bytes], None]

FORMAT = b'"at '


class Listener(asyncio.Protocol):
    def __init__(self, path: str, headers: Mapping[str, str], hear: Hear) -> None:
        self._path = path
        self._headers = headers
        self._hear = hear
        self._buffer = b""
        self._open = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's isn't one of asyncio's by its class
        self.transport = transport = cast("asyncio.Transport", transport)
        lines = [
            f"GET {self._path} HTTP/1.1",
            "Host: 127.0.0.1",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            *(f"{name}: {value}" for name, value in self._headers.items()),
        ]
        transport.write("\r\n".join(lines).encode() + b"\r\n\r\n")

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
        if not self._open:
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._buffer = head
                return
            assert b" 101 " in head[:16], head
            self._open = True
            self.opened.set_result(None)
        start = 0
        size = len(data)
        while size - start >= 4:
            length = data[start + 1]
            begins = start + 2
            if length == 126:
                length = int.from_bytes(data[begins : begins + 2])
                begins += 2
            ends = begins + length
            if ends > size:
                break
            kind = data[start] & 0x0F
            if kind == 1:
                self._hear(data[begins:ends])
            elif kind == 9:
                self.send(data[begins:ends], kind=10)
            start = ends
        self._buffer = data[start:]

    def send(self, payload: bytes, kind: int = 1) -> None:
        """Masked with zeros, which is a mask like any other."""
        size = len(payload)
        head = bytes([0x80 | kind])
        head += bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2)
        self.transport.write(head + bytes(4) + payload)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionError("closed at once"))


async def listen(
    port: int, path: str, headers: Mapping[str, str], hear: Hear, *, source: int = 1
) -> Listener:
    loop = asyncio.get_running_loop()
    _, listener = await loop.create_connection(
        lambda: Listener(path, headers, hear),
        "127.0.0.1",
        port,
        local_addr=(f"127.0.0.{source}", 0),
    )
    await listener.opened
    return listener


async def listen_many(
    count: int, port: int, path: str, headers: Mapping[str, str], hear: Hear
) -> list[Listener]:
    """Some at a time, from several addresses: one has too few ports."""
    made: list[Listener] = []
    while len(made) < count:
        some = range(min(100, count - len(made)))
        source = 1 + len(made) // 5000
        made += await asyncio.gather(
            *(listen(port, path, headers, hear, source=source) for _ in some)
        )
    return made


def stamp() -> str:
    """Goes with a message, and tells when it was sent."""
    return f"at {time.perf_counter_ns():020d}"


def age(payload: bytes) -> float:
    """Seconds since the stamp in it."""
    begins = payload.index(FORMAT) + len(FORMAT)
    return (time.perf_counter_ns() - int(payload[begins : begins + 20])) / 1e9
