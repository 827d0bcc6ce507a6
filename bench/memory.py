"""What the hub holds in memory after it has stored many messages.

python -m bench.memory [--postgres] [--count 1000000] [--rows 200] [--connections 8]
"""

import argparse

from bench import load
from bench.batch import batch
from bench.place import place

RECIPIENTS = 1000
PARTS = 4


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--rows", type=int, default=200, help="of one request; 1 sends singly")
    parser.add_argument("--connections", type=int, default=8)
    options = parser.parse_args()
    with place(postgres=options.postgres, recipients=RECIPIENTS) as here, here.hub() as hub:
        single = options.rows == 1
        sends = here.sends() if single else [batch(here, options.rows) for _ in range(20)]
        answer = b"201" if single else b"200"
        stored = 0
        seen = [(stored, hub.memory())]
        for part in range(1, PARTS + 1):
            while stored < options.count * part // PARTS:
                result = load.run(hub.port, sends, options.connections, 2, answer)
                assert not result.failed, f"{result.failed} refused"
                stored += result.answered * options.rows
            seen.append((stored, hub.memory()))
        steps = ", ".join(f"{size / 2**20:.0f} MiB after {count:,}" for count, size in seen)
        print(f"memory: {here.kind}: {steps}")


if __name__ == "__main__":
    main()
