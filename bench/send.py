"""Accepted messages a second, and processor time for each, beside an endpoint that stores nothing.

python -m bench.send [--postgres] [--seconds 4] [--rounds 3]
"""

import argparse
import asyncio
import os
import random
import socket
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from bench import load, servers
from bench.seed import Seeded, seed
from hubbub.settings import Environment, Settings

RECIPIENTS = 1000


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def fdatasync_seconds(folder: Path) -> float:
    """What the disk takes to keep 4 KiB for good: no commit can be faster."""
    times = []
    with (folder / "probe").open("wb") as file:
        for _ in range(200):
            file.write(os.urandom(4096))
            file.flush()
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - started)
    return statistics.median(times)


@contextmanager
def database(postgres: bool) -> Iterator[str | None]:
    if not postgres:
        yield None
        return
    from tests.fixtures.peers import PostgresServer

    server = PostgresServer(durable=True)
    server.start()
    try:
        yield server.dsn
    finally:
        server.remove()


def requests(seeded: Seeded, path: str, *, hub: bool) -> list[bytes]:
    made = []
    for _ in range(5000):
        body = orjson.dumps({"to_agent_id": random.choice(seeded.recipients), "content": "x" * 200})
        headers = {"Authorization": f"Bearer {seeded.key}"} if hub else {}
        made.append(load.post(path, body, headers))
    return made


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="hubbub-bench-"))
    servers.use_load_core()
    with database(options.postgres) as dsn:
        environment = {
            "HUBBUB_ENVIRONMENT": "local",
            "HUBBUB_DATA_DIR": str(folder / "data"),
            "HUBBUB_MESSAGES__SENDS_PER_MINUTE": "100000000",
            "HUBBUB_MESSAGES__OPEN_PER_INBOX": "100000000",
            "HUBBUB_LIMITS__REQUESTS_PER_MINUTE": "100000000",
        } | ({"HUBBUB_DATABASE_URL": dsn} if dsn else {})
        settings = Settings(
            environment=Environment.LOCAL, data_dir=folder / "data", database_url=dsn
        )
        seeded = asyncio.run(seed(settings, RECIPIENTS))
        hub_port, base_port = free_port(), free_port()
        with (
            servers.serving(
                servers.hub(hub_port), hub_port, environment, folder / "hub.log"
            ) as hub,
            servers.serving(servers.uvicorn("bench.baseline:app", base_port), base_port) as base,
        ):
            kind = "PostgreSQL" if dsn else "SQLite, synchronous=FULL"
            print(f"send: {kind}; fdatasync {fdatasync_seconds(folder) * 1e6:.0f} µs")
            compare(options, hub, base, seeded)
            print(f"memory of the hub: {hub.memory() / 2**20:.0f} MiB")


def compare(
    options: argparse.Namespace, hub: servers.Server, base: servers.Server, seeded: Seeded
) -> None:
    plans = {
        "base": (base, requests(seeded, "/messages", hub=False)),
        "hub": (hub, requests(seeded, "/api/v1/messages", hub=True)),
    }
    for connections in (1, 8, 64):
        rates: defaultdict[str, list[float]] = defaultdict(list)
        costs: defaultdict[str, list[float]] = defaultdict(list)
        p99: defaultdict[str, list[float]] = defaultdict(list)
        for number in range(options.rounds + 1):
            for name, (server, bodies) in plans.items():
                before = server.cpu()
                result = load.run(server.port, bodies, connections, options.seconds)
                assert not result.failed, f"{name}: {result.failed} refused"
                if number:  # the first round warms up
                    rates[name].append(result.rate)
                    costs[name].append((server.cpu() - before) / result.answered)
                    p99[name].append(result.percentile(0.99))
        rate = {name: statistics.median(values) for name, values in rates.items()}
        cost = {name: statistics.median(values) * 1e6 for name, values in costs.items()}
        late = {name: statistics.median(values) * 1e3 for name, values in p99.items()}
        print(
            f"{connections:3} connections: {rate['hub']:6.0f}/s beside {rate['base']:6.0f}/s,"
            f" ratio {rate['hub'] / rate['base']:.2f};"
            f" {cost['hub']:4.0f} µs of processor beside {cost['base']:4.0f};"
            f" p99 {late['hub']:.1f} ms beside {late['base']:.1f}"
        )


if __name__ == "__main__":
    main()
