"""The whole of a large hub to a file and back: how long it takes, and how much memory.

python -m bench.whole [--postgres] [--rows 1000000]
"""

import argparse
import asyncio
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import cast
from uuid import UUID

from sqlalchemy import Table

from bench.export import fill
from bench.place import Place, place
from hubbub.kit.db.counter import Counter
from hubbub.kit.db.database import Database
from hubbub.kit.db.plain import leaving
from hubbub.kit.db.snapshots import Pace, Rows, snapshot
from hubbub.messages.models import Delivery, Message
from hubbub.messages.types import State
from hubbub.settings import Environment, Settings


def settings_of(here: Place) -> Settings:
    return Settings(
        environment=Environment.LOCAL, data_dir=here.folder / "data", database_url=here.dsn
    )


async def deliver(here: Place) -> None:
    """Each of the messages to the one recipient."""
    settings = settings_of(here)
    database = Database(settings.database_dsn, settings.database)
    [recipient] = here.seeded.recipients
    statement = leaving({"id": Message.id.expression}).order_by(Message.id)
    seq = 0

    def ids(rows: Rows) -> list[UUID]:
        return [UUID(row[0]) for row in rows]

    async with snapshot(settings.database_dsn, settings.database) as opened:
        async for found in opened.batches(statement, ids, Pace()):
            rows = [
                {
                    "recipient_id": recipient,
                    "seq": seq + number,
                    "message_id": message_id,
                    "sender_id": here.seeded.sender,
                    "state": State.QUEUED,
                    "created_at": datetime.now(UTC),
                }
                for number, message_id in enumerate(found, 1)
            ]
            async with database.write() as session:
                await session.execute(cast("Table", Delivery.__table__).insert(), rows)
            seq += len(rows)
    async with database.write() as session:
        session.add(Counter(id=recipient, last_seq=seq, open=seq))
    await database.close()


def run(environment: dict[str, str], *arguments: str) -> tuple[float, float]:
    """Seconds, and MiB at the most."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "hubbub", *arguments]
    pid = os.spawnve(os.P_NOWAIT, sys.executable, command, os.environ | environment)
    _, status, used = os.wait4(pid, 0)
    assert status == 0, status
    return time.perf_counter() - started, used.ru_maxrss / 1024


def measure(here: Place, into: dict[str, str], rows: int) -> None:
    source = {
        "HUBBUB_ENVIRONMENT": "local",
        "HUBBUB_DATA_DIR": str(here.folder / "data"),
    } | ({"HUBBUB_DATABASE_URL": here.dsn} if here.dsn else {})
    file = here.folder / "hub.jsonl"
    _, nothing = run(source, "export", "users", "--output", str(here.folder / "users"))
    took, most = run(source, "export", "all", "--output", str(file))
    size = Path(file).stat().st_size / 2**20
    print(
        f"whole hub: {here.kind}, {rows} messages and deliveries, {size:.0f} MiB: export in"
        f" {took:.0f} s with {most:.0f} MiB at the most (a command that does little: {nothing:.0f})"
    )
    _, least = run(into | {"HUBBUB_DATA_DIR": str(here.folder / "least")}, "migrate")
    took, most = run(into, "import", str(file))
    print(
        f"whole hub: import to SQLite in {took:.0f} s with {most:.0f} MiB at the most (a migration"
        f" alone: {least:.0f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    with place(postgres=options.postgres, recipients=1) as here:
        asyncio.run(fill(here, options.rows))
        asyncio.run(deliver(here))
        into = {"HUBBUB_ENVIRONMENT": "local", "HUBBUB_DATA_DIR": str(here.folder / "new")}
        measure(here, into, options.rows)


if __name__ == "__main__":
    main()
