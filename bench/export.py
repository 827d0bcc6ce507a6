"""Rows a second that come out as CSV, beside a bare loop from a cursor to CSV.

python -m bench.export [--postgres] [--rows 100000] [--rounds 5] [--large 1000000]
"""

import argparse
import asyncio
import socket
import statistics
import threading
import time
from datetime import UTC, datetime
from typing import cast
from urllib.request import urlopen

from sqlalchemy import Table

from bench import servers
from bench.place import Place, free_port, place
from hubbub.kit.db.database import Database
from hubbub.kit.ids import new_id
from hubbub.messages.models import Message
from hubbub.messages.types import ContentType, Priority
from hubbub.settings import Environment, Settings

GOAL, GOAL_MIB = 0.5, 30
EXPORT = "/api/v1/exports/messages"
_AT_ONCE = 5000
_CONTENT = "x" * 200


async def fill(here: Place, count: int) -> None:
    """Messages of 200 bytes, as if they had been sent."""
    settings = Settings(
        environment=Environment.LOCAL, data_dir=here.folder / "data", database_url=here.dsn
    )
    database = Database(settings.database_dsn, settings.database)
    statement = cast("Table", Message.__table__).insert()
    for _ in range(0, count, _AT_ONCE):
        async with database.write() as session:
            await session.execute(statement, [_message(here) for _ in range(_AT_ONCE)])
    await database.close()


def _message(here: Place) -> dict[str, object]:
    made = new_id()
    return {
        "id": made,
        "thread_id": made,
        "sender_id": here.seeded.sender,
        "addressed": ["agent:agent-1"],
        "content": _CONTENT,
        "content_type": ContentType.TEXT,
        "priority": Priority.NORMAL,
        "hops": 1,
        "created_at": datetime.now(UTC),
    }


def download(
    server: servers.Server, path: str, headers: dict[str, str], rows: int
) -> tuple[float, int]:
    """Seconds until the end, and the most memory that the server had meanwhile."""
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    most, size, pieces, end = server.memory(), 0, 0, b""
    started = time.perf_counter()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        while piece := connection.recv(1 << 18):
            size += len(piece)
            end = (end + piece)[-5:]
            pieces += 1
            if pieces % 64 == 0:
                most = max(most, server.memory())
    assert end == b"0\r\n\r\n", "it broke off"
    assert size > rows * len(_CONTENT), size
    return time.perf_counter() - started, max(most, server.memory())


class Probes(threading.Thread):
    """Asks a server again and again whether it is there."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.took: list[float] = []
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.02):
            started = time.perf_counter()
            urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=30).close()
            self.took.append(time.perf_counter() - started)


def compare(here: Place, hub: servers.Server, bare: servers.Server, rows: int, rounds: int) -> None:
    ours, theirs, cost, plain = [], [], [], []
    for number in range(rounds + 1):
        before = hub.cpu(), bare.cpu()
        took, _ = download(hub, EXPORT, here.credential, rows)
        beside, _ = download(bare, "/", {}, rows)
        if number:
            ours.append(rows / took)
            theirs.append(rows / beside)
            cost.append(hub.cpu() - before[0])
            plain.append(bare.cpu() - before[1])
    rate, other = statistics.median(ours), statistics.median(theirs)
    print(
        f"export: {here.kind}, {rows} messages: {rate:.0f} rows/s beside {other:.0f},"
        f" ratio {rate / other:.2f} (goal {GOAL});"
        f" {statistics.median(cost) / rows * 1e6:.1f} µs of processor a row beside"
        f" {statistics.median(plain) / rows * 1e6:.1f}"
    )


def large(here: Place, hub: servers.Server, rows: int) -> None:
    idle = hub.memory()
    probes = Probes(hub.port)
    probes.start()
    took, most = download(hub, EXPORT, here.credential, rows)
    probes.over.set()
    probes.join()
    waits = sorted(probes.took)
    print(
        f"export: {here.kind}, {rows} messages in {took:.0f} s:"
        f" {(most - idle) / 2**20:.0f} MiB over idle at the most (goal {GOAL_MIB});"
        f" meanwhile /healthz {statistics.median(waits) * 1e3:.1f} ms,"
        f" p99 {waits[int(len(waits) * 0.99)] * 1e3:.1f} ms, longest {waits[-1] * 1e3:.1f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large", type=int, default=1_000_000)
    options = parser.parse_args()
    port = free_port()
    with place(postgres=options.postgres, recipients=1) as here:
        asyncio.run(fill(here, options.rows))
        database = {"BENCH_DATABASE": here.dsn or str(here.file)}
        with (
            here.hub() as hub,
            servers.serving(servers.uvicorn("bench.cursor:app", port), port, database) as bare,
        ):
            compare(here, hub, bare, options.rows, options.rounds)
        asyncio.run(fill(here, options.large - options.rows))
        with here.hub() as hub:
            large(here, hub, options.large)


if __name__ == "__main__":
    main()
