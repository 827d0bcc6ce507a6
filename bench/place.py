"""Where a measurement takes place: a database, participants in it, and a hub on top."""

import asyncio
import random
import shutil
import socket
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from bench import load, servers
from bench.seed import Seeded, seed
from hubbub.settings import Environment, Settings


@dataclass
class Place:
    folder: Path
    dsn: str | None
    """None for SQLite."""
    seeded: Seeded

    @property
    def kind(self) -> str:
        return "PostgreSQL" if self.dsn else "SQLite, synchronous=FULL"

    @property
    def file(self) -> Path:
        return self.folder / "data" / "hubbub.db"

    @contextmanager
    def hub(self, more: dict[str, str] | None = None) -> Iterator[servers.Server]:
        environment = {
            "HUBBUB_ENVIRONMENT": "local",
            "HUBBUB_DATA_DIR": str(self.folder / "data"),
            "HUBBUB_MESSAGES__SENDS_PER_MINUTE": "100000000",
            "HUBBUB_MESSAGES__OPEN_PER_INBOX": "100000000",
            "HUBBUB_LIMITS__REQUESTS_PER_MINUTE": "100000000",
        } | ({"HUBBUB_DATABASE_URL": self.dsn} if self.dsn else {})
        environment |= more or {}
        port = free_port()
        log = self.folder / "hub.log"
        with servers.serving(servers.hub(port), port, environment, log) as server:
            yield server

    def sends(self, path: str = "/api/v1/messages", *, count: int = 5000) -> list[bytes]:
        """Messages of 200 bytes to anybody."""
        return [self.send(path, random.choice(self.seeded.recipients)) for _ in range(count)]

    def send(self, path: str, recipient: object) -> bytes:
        body = orjson.dumps({"to_agent_id": str(recipient), "content": "x" * 200})
        return load.post(path, body, self.credential)

    @property
    def credential(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.seeded.key}"}


@contextmanager
def place(*, postgres: bool, recipients: int) -> Iterator[Place]:
    servers.use_load_core()
    folder = Path(tempfile.mkdtemp(prefix="hubbub-bench-"))
    try:
        with _database(postgres) as dsn:
            settings = Settings(
                environment=Environment.LOCAL, data_dir=folder / "data", database_url=dsn
            )
            yield Place(folder, dsn, asyncio.run(seed(settings, recipients)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _database(postgres: bool) -> Iterator[str | None]:
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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Plan:
    """One of those that are compared: a server, and what it is asked."""

    server: servers.Server
    requests: Sequence[bytes]
    answer: bytes = b"201"


@dataclass
class Measured:
    """Medians of all rounds."""

    rate: float
    cost: float
    """Seconds of processor time for each request."""
    middle: float
    late: float
    """Latencies: the median, and what one in a hundred exceeds."""
    failed: int


def compare(
    plans: dict[str, Plan], *, connections: int, seconds: float, rounds: int
) -> dict[str, Measured]:
    """In turns, so that what else the machine does hits all of them; the first round warms up."""
    rows: dict[str, list[Measured]] = {name: [] for name in plans}
    for number in range(rounds + 1):
        for name, plan in plans.items():
            before = plan.server.cpu()
            result = load.run(plan.server.port, plan.requests, connections, seconds, plan.answer)
            cost = (plan.server.cpu() - before) / max(1, result.answered)
            late = result.percentile(0.99)
            if number:
                row = Measured(result.rate, cost, result.percentile(0.5), late, result.failed)
                rows[name].append(row)
    return {name: _median(measured) for name, measured in rows.items()}


def _median(rows: list[Measured]) -> Measured:
    def of(name: str) -> float:
        return statistics.median(float(getattr(row, name)) for row in rows)

    failed = sum(row.failed for row in rows)
    return Measured(of("rate"), of("cost"), of("middle"), of("late"), failed)
