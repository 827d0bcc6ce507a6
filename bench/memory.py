"""What the hub holds in memory after it has stored many messages, each sent by itself.

python -m bench.memory [--postgres] [--count 200000] [--connections 64]
"""

import argparse

from bench import load
from bench.place import place

RECIPIENTS = 1000
PARTS = 4


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()
    with place(postgres=options.postgres, recipients=RECIPIENTS) as here, here.hub() as hub:
        sends = here.sends()
        stored = 0
        seen = [(stored, hub.memory())]
        for part in range(1, PARTS + 1):
            while stored < options.count * part // PARTS:
                result = load.run(hub.port, sends, options.connections, 2)
                assert not result.failed, f"{result.failed} refused"
                stored += result.answered
            seen.append((stored, hub.memory()))
        steps = ", ".join(f"{size / 2**20:.0f} MiB after {count:,}" for count, size in seen)
        print(f"memory: {here.kind}: {steps}")


if __name__ == "__main__":
    main()
