"""Requests that are too large at their head, or that never come to an end."""

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.faults.listener import LONG
from tests.faults.processes import Running, Workplace, clean_environment, end, until
from tests.fixtures.peers import free_port

ROOT = Path(__file__).parents[2]
KIB = 1024
MIB = KIB * KIB
LIMIT = 64 * KIB
TIMEOUT = 0.5
PATIENCE = 3.0  # with a busy machine
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"


@contextmanager
def listening(folder: Path, *, workers: int) -> Iterator[str]:
    """The address of a server with little patience."""
    port = free_port()
    env = clean_environment() | {
        "HUBBUB_PORT": str(port),
        "HUBBUB_HTTP__REQUEST_TIMEOUT": str(TIMEOUT),
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
    }
    program = [sys.executable, "-m", "tests.faults.listener", str(workers)]
    with (folder / "said.log").open("w") as log:
        process = Workplace(folder, env).start(program=program, stdout=log, stderr=log)
    running = Running(process, f"http://127.0.0.1:{port}")
    try:
        until(lambda: running.answers() or process.poll() is not None)
        assert process.poll() is None, (folder / "said.log").read_text()
        yield f"127.0.0.1:{port}"
    finally:
        end(process)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with listening(tmp_path_factory.mktemp("listener"), workers=1) as address:
        yield address


@pytest.fixture
def client(hub: str) -> Iterator[socket.socket]:
    with connected(hub) as client:
        yield client


def connected(hub: str) -> socket.socket:
    host, port = hub.split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def heard(client: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    said = b""
    try:
        while part := client.recv(MIB):
            said += part
    except ConnectionResetError:
        pass
    return said


def answer(client: socket.socket) -> bytes:
    """One answer with a length, or nothing."""
    said = b""
    while b"\r\n\r\n" not in said:
        if not (part := client.recv(1)):
            return said
        said += part
    length = int(said.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    end_of_head = len(said)
    while len(said) < end_of_head + length and (part := client.recv(1)):
        said += part
    return said


def poured(client: socket.socket, part: bytes, *, pause: float = 0) -> int:
    """How much the other side takes before it closes."""
    taken = 0
    try:
        while taken < 100 * MIB:
            client.sendall(part)
            taken += len(part)
            time.sleep(pause)
    except (BrokenPipeError, ConnectionResetError):
        pass
    return taken


def head_of(size: int) -> bytes:
    begun = GET + b"X-Padding: "
    return begun + b"a" * (size - len(begun) - 4) + b"\r\n\r\n"


@pytest.mark.parametrize(
    ("begun", "part"),
    [
        (GET + b"X-Padding: ", b"a" * MIB),
        (GET + b"X-", b"a" * MIB),
        (GET, b"X-Small: 1\r\n" * 100_000),
        (b"GET /", b"a" * MIB),
        (b"", b"\r\n" * MIB),
        (
            b"POST /count HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            b"X-Trailer: 1\r\n" * 100_000,
        ),
    ],
    ids=["value", "name", "many headers", "url", "blank lines", "trailers"],
)
def test_a_head_without_end(client: socket.socket, begun: bytes, part: bytes) -> None:
    client.sendall(begun)

    assert poured(client, part) < 20 * MIB  # what the system's buffers hold, and no more


@pytest.mark.parametrize("cut", [1, 1000, LIMIT - 1, LIMIT])
def test_the_largest_head(client: socket.socket, cut: int) -> None:
    head = head_of(LIMIT)
    client.sendall(head[:cut])
    time.sleep(0.05)
    client.sendall(head[cut:])

    assert answer(client).startswith(b"HTTP/1.1 200 ")


def test_a_head_that_is_a_byte_too_large(client: socket.socket) -> None:
    client.sendall(head_of(LIMIT + 1))

    assert heard(client).startswith(b"HTTP/1.1 431 ")


def test_a_body_is_no_head(client: socket.socket) -> None:
    size = 5 * MIB
    client.sendall(b"POST /count HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % size)
    client.sendall(b"a" * size)

    assert answer(client).endswith(str(size).encode())
    client.sendall(GET + b"\r\n")
    assert answer(client).startswith(b"HTTP/1.1 200 ")


def test_many_requests_at_once(client: socket.socket) -> None:
    client.sendall((GET + b"\r\n") * 2000)  # more than a head may have, but none of them is large

    for _ in range(2000):
        assert answer(client).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /healthz HT",
        GET,
        b"POST /count HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf",
        b"POST /refuse HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf",
        GET + b"\r\n" + GET,
    ],
    ids=["nothing", "half a line", "half a head", "half a body", "answered already", "second"],
)
def test_a_request_that_stays_away(client: socket.socket, sent: bytes) -> None:
    begun = time.monotonic()
    client.sendall(sent)
    heard(client)

    assert TIMEOUT * 0.8 < time.monotonic() - begun < TIMEOUT + PATIENCE


def test_a_head_that_trickles(client: socket.socket) -> None:
    begun = time.monotonic()
    client.sendall(b"GET /")
    poured(client, b"a", pause=0.1)

    assert time.monotonic() - begun < TIMEOUT + PATIENCE


def test_a_body_that_is_slow_but_comes(client: socket.socket) -> None:
    client.sendall(b"POST /count HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\n")
    for _ in range(8):
        time.sleep(TIMEOUT / 4)
        client.sendall(b"a")

    assert answer(client).endswith(b"8")


@pytest.mark.parametrize(
    "request_line", [b"GET /poll", b"GET /stream"], ids=["long-poll", "stream"]
)
def test_an_answer_may_take_its_time(client: socket.socket, request_line: bytes) -> None:
    client.sendall(request_line + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    said = heard(client)

    assert said.startswith(b"HTTP/1.1 200 ")
    assert b"news" in said or b"last" in said


@pytest.mark.parametrize("held", [b"", b"Expect: 100-continue\r\n"], ids=["large", "expects"])
def test_a_body_that_the_app_does_not_read_yet(client: socket.socket, held: bytes) -> None:
    size = 20 * MIB
    client.sendall(
        b"POST /later HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %d\r\n\r\n" % (held, size)
    )
    if held:
        assert client.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.sendall(b"a" * size)

    assert answer(client).endswith(str(size).encode())


@pytest.mark.parametrize(
    "before",
    [GET + b"\r\n", b"POST /refuse HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n"],
    ids=["plain", "its body came after the answer"],
)
def test_an_idle_connection_stays(client: socket.socket, before: bytes) -> None:
    client.sendall(before)
    assert answer(client).startswith(b"HTTP/1.1 200 ")
    if b"POST" in before:
        client.sendall(b"body")
    time.sleep(LONG)
    client.sendall(GET + b"\r\n")

    assert answer(client).startswith(b"HTTP/1.1 200 ")


def test_workers_are_as_strict(tmp_path: Path) -> None:
    with listening(tmp_path, workers=2) as hub:
        with connected(hub) as client:
            client.sendall(head_of(LIMIT + 1))
            assert heard(client).startswith(b"HTTP/1.1 431 ")
        with connected(hub) as client:
            client.sendall(GET)
            assert heard(client) == b""


def test_a_hub_that_reloads_is_as_strict(workplace: Workplace) -> None:
    with workplace.serving("--reload") as hub:
        with connected(hub.url.removeprefix("http://")) as client:
            client.sendall(head_of(LIMIT + 1))
            assert heard(client).startswith(b"HTTP/1.1 431 ")
        assert hub.ready()


def test_a_websocket_stays(hub: str) -> None:
    with connect(f"ws://{hub}/echo", proxy=None) as websocket:
        websocket.send("one")
        assert websocket.recv(10) == "one"
        time.sleep(LONG)
        websocket.send("a" * 2 * LIMIT)
        assert websocket.recv(10) == "a" * 2 * LIMIT
