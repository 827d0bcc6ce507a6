"""Megabytes a second that are sent in as a file, beside an application that throws them away.

python -m bench.upload [--megabytes 64] [--rounds 5] [--large 1024]
"""

import argparse
import socket
import statistics
import time

from bench import servers
from bench.place import Place, free_port, place

_MB = 1_000_000
_PIECE = b"x" * 65_536
_BOUNDARY = "bench"
_HEAD = (
    f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
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
    here: Place, hub: servers.Server, sink: servers.Server, options: argparse.Namespace
) -> None:
    size = options.megabytes * _MB
    ours, theirs, cost, bare = [], [], [], []
    for number in range(options.rounds + 1):
        before = hub.cpu(), sink.cpu()
        took, _ = upload(hub, "/api/v1/files", size, here.credential)
        beside, _ = upload(sink, "/", size, {})
        if number:
            ours.append(size / took)
            theirs.append(size / beside)
            cost.append(hub.cpu() - before[0])
            bare.append(sink.cpu() - before[1])
    rate, other = statistics.median(ours), statistics.median(theirs)
    print(
        f"upload of {options.megabytes} MB: {rate / _MB:.0f} MB/s beside {other / _MB:.0f},"
        f" ratio {rate / other:.2f}; {statistics.median(cost) / options.megabytes * 1e3:.2f} ms of"
        f" processor a MB beside {statistics.median(bare) / options.megabytes * 1e3:.2f}"
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
    port = free_port()
    larger = {
        "HUBBUB_FILES__MAX_BYTES": str(2 * options.large * _MB),
        "HUBBUB_FILES__QUOTA_BYTES": str(1000 * options.large * _MB),
    }
    with (
        place(postgres=False, recipients=1) as here,
        here.hub(larger) as hub,
        servers.serving(servers.uvicorn("bench.bare:app", port), port) as sink,
    ):
        measure(here, hub, sink, options)


if __name__ == "__main__":
    main()
