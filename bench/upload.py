"""Megabytes a second that are sent in as a file, beside applications that throw them away: one
takes the body as it comes, one reads the form as the framework does. Neither hashes or stores.

python -m bench.upload [--megabytes 64] [--rounds 5] [--large 1024]
"""

import argparse
import os
import socket
import statistics
import time
from contextlib import AbstractContextManager

from bench import servers
from bench.place import Place, free_port, place

_MB = 1_000_000
_PIECE = os.urandom(65_536)
_BOUNDARY = f"{'-' * 24}{'0123456789abcdefghijkl'}"
_HEAD = (
    f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"'
    "\r\n\r\n%PDF-1.7\n"
).encode()
_END = f"\r\n--{_BOUNDARY}--\r\n".encode()


def upload(
    server: servers.Server, path: str, size: int, headers: dict[str, str]
) -> tuple[float, int]:
    """Seconds until the answer, and the most memory that the server had meanwhile."""
    length = len(_HEAD) + size + len(_END)
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Content-Type: multipart/form-data; boundary={_BOUNDARY}",
        f"Content-Length: {length}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    most, sent = server.memory(), 0
    started = time.perf_counter()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + _HEAD)
        while sent < size:
            piece = _PIECE[: size - sent]
            connection.sendall(piece)
            sent += len(piece)
            if sent % (16 * len(_PIECE)) == 0:
                most = max(most, server.memory())
        connection.sendall(_END)
        answer = connection.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 201"), answer[:200]
    return time.perf_counter() - started, max(most, server.memory())


def measure(
    here: Place,
    hub: servers.Server,
    sink: servers.Server,
    reader: servers.Server,
    options: argparse.Namespace,
) -> None:
    size = options.megabytes * _MB
    plans = {
        "hub": (hub, "/api/v1/files", here.credential),
        "a sink": (sink, "/", {}),
        "one that reads the form": (reader, "/form", {}),
    }
    rates: dict[str, list[float]] = {name: [] for name in plans}
    costs = dict.fromkeys(plans, 0.0)
    for number in range(options.rounds + 1):
        for name, (server, path, headers) in plans.items():
            before = server.cpu()
            took, _ = upload(server, path, size, headers)
            if number:
                rates[name].append(size / _MB / took)
                costs[name] += (server.cpu() - before) / options.rounds / options.megabytes
    rate = {name: statistics.median(found) for name, found in rates.items()}
    for name in list(plans)[1:]:
        print(
            f"upload of {options.megabytes} MB: {rate['hub']:.0f} MB/s beside {rate[name]:.0f} of"
            f" {name}, ratio {rate['hub'] / rate[name]:.2f}; {costs['hub'] * 1e3:.2f} ms of"
            f" processor a MB beside {costs[name] * 1e3:.2f}"
        )
    idle = hub.memory()
    _, most = upload(hub, "/api/v1/files", options.large * _MB, here.credential)
    print(f"upload of {options.large} MB: {(most - idle) / 2**20:.0f} MiB over idle at the most")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large", type=int, default=1024)
    options = parser.parse_args()
    larger = {
        "HUBBUB_FILES__MAX_BYTES": str(2 * options.large * _MB),
        "HUBBUB_FILES__QUOTA_BYTES": str(1000 * options.large * _MB),
    }
    with (
        place(postgres=False, recipients=1) as here,
        here.hub(larger) as hub,
        _bare() as sink,
        _bare() as reader,
    ):
        measure(here, hub, sink, reader, options)


def _bare() -> AbstractContextManager[servers.Server]:
    # one for each way: what the one has left of its memory makes the other faster
    port = free_port()
    return servers.serving(servers.uvicorn("bench.bare:app", port), port)


if __name__ == "__main__":
    main()
