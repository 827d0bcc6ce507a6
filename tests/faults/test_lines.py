"""Clients that say too much, or never take what they are told."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.faults.processes import Workplace
from tests.faults.storm import begin, calling, until
from tests.faults.test_sockets import Place, masked

PING = masked(0x89, b"")
UNREAD = 35
"""Messages of which a client's own buffers don't hold all."""


@contextmanager
def flooding(line: socket.socket, said: bytes) -> Iterator[bytearray]:
    """What comes back, while it says the same as fast as it can."""
    heard = bytearray()

    def listen() -> None:
        with suppress(OSError):
            while part := line.recv(1 << 20):
                heard.extend(part)

    def say() -> None:
        with suppress(OSError):
            while True:
                line.sendall(said * 10_000)

    threads = [threading.Thread(target=each) for each in (listen, say)]
    for each in threads:
        each.start()
    try:
        yield heard
    finally:
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
        line.close()
        for each in threads:
            each.join()


@pytest.mark.parametrize(
    "said", [PING, masked(0x81, b"{}"), masked(0x81, b'{"type":"pong"}')], ids=lambda said: said[6:]
)
async def test_a_flood_holds_up_nobody_else(live_place: Workplace, said: bytes) -> None:
    live_place.env |= {"HUBBUB_LIMITS__ENABLED": "true"}
    with live_place.serving() as hub:
        place = Place(hub, await begin(hub, recipients=1))
        line = await asyncio.to_thread(place.dial_plainly)
        with flooding(line, said):
            began = time.monotonic()
            for _ in range(20):
                await asyncio.to_thread(hub.get, "/healthz")
        # of all of them: now and then it is the machine that is busy
        assert time.monotonic() - began < 4


async def test_who_only_pings_is_told_to_go(live_place: Workplace) -> None:
    with live_place.serving() as hub:
        place = Place(hub, await begin(hub, recipients=1))

        assert await asyncio.to_thread(place.end_of, PING * 10_000) == 1008


async def _is_let_go(line: socket.socket) -> bool:
    """Whether the hub has left for good. The client can't know it before it reads."""
    port = f":{line.getsockname()[1]:04X}"

    def is_held() -> bool:
        rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()]
        return any(row[2].endswith(port) and row[9] != "0" for row in rows[1:])

    assert is_held()
    try:
        await until(lambda: not is_held())
    finally:
        line.close()
    return True


async def _leave_unread(place: Place) -> None:
    async with calling(place.hub, place.storm.key) as client:
        for _ in range(UNREAD):
            body = {"to_agent_id": place.agent[0], "content": "x" * 100_000}
            assert (await client.post("/api/v1/messages", json=body)).status_code == 201


async def test_who_says_goodbye_and_reads_nothing_is_gone(live_place: Workplace) -> None:
    with live_place.serving() as hub:
        place = Place(hub, await begin(hub, recipients=1))
        line = await asyncio.to_thread(place.dial_plainly)
        await _leave_unread(place)

        line.sendall(masked(0x88, (1000).to_bytes(2)))

        assert await _is_let_go(line)


async def test_an_event_stream_that_nobody_reads_is_cut_off(live_place: Workplace) -> None:
    live_place.env |= {"HUBBUB_HTTP__REQUEST_TIMEOUT": "1"}
    with live_place.serving() as hub:
        place = Place(hub, await begin(hub, recipients=1))
        agent_id, key = place.agent
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect(("127.0.0.1", int(hub.url.rpartition(":")[2])))
        line.sendall(
            f"GET /api/v1/agents/{agent_id}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: Bearer {key}\r\n\r\n".encode()
        )
        assert await asyncio.to_thread(line.recv, 12) == b"HTTP/1.1 200"

        await _leave_unread(place)

        assert await _is_let_go(line)


@pytest.mark.parametrize(
    "header", ["Content-Length: 2", f"X-Long: {'x' * 10_000}"], ids=["a body", "a long header"]
)
async def test_a_request_for_a_socket_that_is_none_is_refused(
    live_place: Workplace, header: str
) -> None:
    with live_place.serving() as hub:
        host, port = hub.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as line:
            line.sendall(
                "GET /ws/private HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n"
                "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{header}\r\n\r\nhi".encode()
            )

            assert (await asyncio.to_thread(line.recv, 10)).startswith(b"HTTP/1.1 4")
