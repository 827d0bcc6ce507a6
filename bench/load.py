"""A load that costs little itself: raw HTTP over asyncio, one request at a time a connection."""

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass
class Result:
    """What one round came to."""

    seconds: float
    answered: int
    failed: int
    latencies: list[float] = field(repr=False)

    @property
    def rate(self) -> float:
        return self.answered / self.seconds

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes], until: float, wanted: bytes) -> None:
        self._requests = requests
        self._until = until
        self._wanted = wanted
        self._buffer = b""
        self._sent_at = 0.0
        self.latencies: list[float] = []
        self.failed = 0
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def _next(self) -> None:
        self._sent_at = time.perf_counter()
        if self._sent_at >= self._until:
            self._transport.close()
            return
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        start = head.lower().find(b"content-length:") + 15
        length = int(head[start : start + 12].split(b"\r\n")[0])
        if len(body) < length:
            return
        self._buffer = b""
        if head.startswith(self._wanted, 9):
            self.latencies.append(time.perf_counter() - self._sent_at)
        else:
            self.failed += 1
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)


async def _run(
    port: int, requests: Sequence[bytes], connections: int, seconds: float, wanted: bytes
) -> Result:
    loop = asyncio.get_running_loop()
    source = itertools.cycle(requests)
    started = time.perf_counter()
    made = [
        await loop.create_connection(
            lambda: _Connection(source, started + seconds, wanted), "127.0.0.1", port
        )
        for _ in range(connections)
    ]
    await asyncio.gather(*(each.closed for _, each in made))
    took = time.perf_counter() - started
    latencies = [value for _, each in made for value in each.latencies]
    return Result(took, len(latencies), sum(each.failed for _, each in made), latencies)


def run(
    port: int, requests: Sequence[bytes], connections: int, seconds: float, wanted: bytes = b"201"
) -> Result:
    return asyncio.run(_run(port, requests, connections, seconds, wanted))


def post(path: str, body: bytes, headers: dict[str, str] | None = None) -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def get(path: str, headers: dict[str, str]) -> bytes:
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: 127.0.0.1",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"
