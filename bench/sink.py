"""A receiver of webhooks that costs little itself: python -m bench.sink PORT

Under /hang it never answers, under /500 it fails, elsewhere it says 200.
"""

import asyncio
import sys

_FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_FAILS = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"


class _Receiver(asyncio.Protocol):
    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        start = head.lower().find(b"content-length:")
        length = int(head[start + 15 :].partition(b"\r\n")[0]) if start >= 0 else 0
        if len(body) < length:
            return
        self._buffer = b""
        path = head.split(b" ", 2)[1]
        if not path.startswith(b"/hang"):
            self._transport.write(_FAILS if path.startswith(b"/500") else _FINE)


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Receiver, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
