"""Accepted messages a second, and processor time for each, beside an endpoint that takes and
answers the same and stores nothing, and beside the least that could be called a message.

python -m bench.send [--postgres] [--seconds 4] [--rounds 3]
"""

import argparse
import os
import statistics
import time
from pathlib import Path

from bench import servers
from bench.place import Plan, compare, free_port, place

RECIPIENTS = 1000


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


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    port = free_port()
    with (
        place(postgres=options.postgres, recipients=RECIPIENTS) as here,
        here.hub() as hub,
        servers.serving(servers.uvicorn("bench.baseline:app", port), port) as base,
    ):
        print(f"send: {here.kind}; fdatasync {fdatasync_seconds(here.folder) * 1e6:.0f} µs")
        plans = {
            "base": Plan(base, here.sends("/messages")),
            "least": Plan(base, here.sends("/least")),
            "hub": Plan(hub, here.sends()),
        }
        for connections in (1, 8, 64):
            found = compare(
                plans, connections=connections, seconds=options.seconds, rounds=options.rounds
            )
            ours, theirs, least = found["hub"], found["base"], found["least"]
            assert not ours.failed, f"{ours.failed} refused"
            print(
                f"{connections:3} connections: {ours.rate:6.0f}/s beside {theirs.rate:6.0f}/s,"
                f" ratio {ours.rate / theirs.rate:.2f};"
                f" {ours.cost * 1e6:4.0f} µs of processor beside {theirs.cost * 1e6:4.0f};"
                f" p99 {ours.late * 1e3:.1f} ms beside {theirs.late * 1e3:.1f};"
                f" the least: {least.rate:.0f}/s, ratio {ours.rate / least.rate:.2f}"
            )
        print(f"memory of the hub: {hub.memory() / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
