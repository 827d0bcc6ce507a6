"""The hub beside the same send with a database connection for each request.

python -m bench.connections [--postgres] [--connections 64] [--seconds 4] [--rounds 3]
"""

import argparse
import os

from bench import servers
from bench.place import Plan, compare, free_port, place

GOAL = 5
RECIPIENTS = 1000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with place(postgres=options.postgres, recipients=RECIPIENTS) as here, here.hub() as hub:
        port = free_port()
        environment = os.environ | {"BENCH_FILE": str(here.file)}
        if here.dsn:
            environment["BENCH_POSTGRES"] = here.dsn
        log = here.folder / "pattern.log"
        with servers.serving(
            servers.uvicorn("bench.pattern:app", port), port, environment, log
        ) as pattern:
            found = compare(
                {"pattern": Plan(pattern, here.sends("/messages")), "hub": Plan(hub, here.sends())},
                connections=options.connections,
                seconds=options.seconds,
                rounds=options.rounds,
            )
        ours, theirs = found["hub"], found["pattern"]
        assert not ours.failed, f"{ours.failed} refused"
        print(
            f"a connection per request: {here.kind}, {options.connections} at once:"
            f" {ours.rate:.0f}/s beside {theirs.rate:.0f}/s,"
            f" ratio {ours.rate / theirs.rate:.1f} (goal {GOAL});"
            f" {ours.cost * 1e6:.0f} µs of processor beside {theirs.cost * 1e6:.0f};"
            f" p99 {ours.late * 1e3:.0f} ms beside {theirs.late * 1e3:.0f};"
            f" {theirs.failed} of its sends failed"
        )


if __name__ == "__main__":
    main()
