"""Messages a second in batches, beside one by one.

python -m bench.batch [--postgres] [--seconds 4] [--rounds 3] [--rows 100]
"""

import argparse
import random

import orjson

from bench import load
from bench.place import Place, Plan, compare, place

RECIPIENTS = 1000


def batch(here: Place, rows: int) -> bytes:
    messages = [
        {"to_agent_id": str(random.choice(here.seeded.recipients)), "content": "x" * 200}
        for _ in range(rows)
    ]
    body = orjson.dumps({"messages": messages})
    return load.post("/api/v1/messages/batch", body, here.credential)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=100)
    options = parser.parse_args()
    with place(postgres=options.postgres, recipients=RECIPIENTS) as here, here.hub() as hub:
        print(f"batch: {here.kind}; {options.rows} messages each")
        batches = [batch(here, options.rows) for _ in range(20)]
        plans = {
            "single": Plan(hub, here.sends()),
            "batch": Plan(hub, batches, answer=b"200"),
        }
        for connections in (1, 8, 64):
            found = compare(
                plans, connections=connections, seconds=options.seconds, rounds=options.rounds
            )
            single, many = found["single"], found["batch"]
            rate, cost = many.rate * options.rows, many.cost / options.rows
            print(
                f"{connections:3} connections: {rate:6.0f} messages/s beside {single.rate:5.0f},"
                f" ratio {rate / single.rate:.1f};"
                f" {cost * 1e6:3.0f} µs of processor a message beside {single.cost * 1e6:.0f}"
            )


if __name__ == "__main__":
    main()
