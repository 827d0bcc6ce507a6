"""A page of a mailbox of 1,000,000 beside one of 1,000, from places drawn by lot.

python -m bench.inbox [--postgres] [--large 1000000] [--seconds 4] [--rounds 3]
"""

import argparse
import asyncio
import random
from uuid import UUID

from sqlalchemy import text

from bench import load
from bench.place import Place, Plan, compare, place
from hubbub.agents.models import AgentKey
from hubbub.kit.db.database import Database
from hubbub.kit.keys import token_hash
from hubbub.settings import Settings

GOAL = 1.3
PAGE = 50
SMALL = 1000

# ids that follow each other in time, as the hub's own do
_ROWS = {
    "sqlite": """
        WITH RECURSIVE row (seq) AS
            (SELECT 1 UNION ALL SELECT seq + 1 FROM row WHERE seq < :count),
        filled AS (SELECT seq, substr(:box, 1, 8) || printf('-0000-7000-8000-%012x', seq) AS id,
            strftime('%Y-%m-%d %H:%M:%f000', 'now') AS at FROM row)
    """,
    "postgresql": """
        WITH filled AS (SELECT seq, (substr(:box, 1, 8) || '-0000-7000-8000-'
            || lpad(to_hex(seq), 12, '0'))::uuid AS id, now() AS at
            FROM generate_series(1, cast(:count AS integer)) AS seq)
    """,
}
_MESSAGES = """
    INSERT INTO message (id, sender_id, thread_id, addressed, content, content_type, priority, hops,
        created_at)
    {rows} SELECT id, {sender}, id, '[]', :content, 'text/plain', 'normal', 0, at FROM filled
"""
_DELIVERIES = """
    INSERT INTO delivery (recipient_id, seq, message_id, sender_id, state, created_at)
    {rows} SELECT {inbox}, seq, id, {sender}, 'queued', at FROM filled
"""
_COUNTER = """
    INSERT INTO counter (id, last_seq, first_seq, open) VALUES ({inbox}, :count, 1, :count)
"""


async def fill(here: Place, boxes: dict[UUID, int]) -> None:
    """By SQL, as no hub would: this is about reading."""
    settings = Settings(data_dir=here.folder / "data", database_url=here.dsn, environment="local")
    database = Database(settings.database_dsn, settings.database)
    dialect = "postgresql" if here.dsn else "sqlite"
    sender = f"'{here.seeded.sender}'"
    async with database.write() as session:
        for number, (inbox, count) in enumerate(boxes.items()):
            key = key_of(inbox)
            session.add(AgentKey(agent_id=inbox, key_hash=token_hash(key), prefix="agt_"))
            values = {"box": f"{number + 1:08x}", "count": count, "content": "x" * 200}
            for statement in (_MESSAGES, _DELIVERIES, _COUNTER):
                names = {"rows": _ROWS[dialect], "sender": sender, "inbox": f"'{inbox}'"}
                filled = text(statement.format(**names))
                wanted = {name: values[name] for name in filled.compile().params}
                await session.execute(filled, wanted)
    async with database.write() as session:
        await session.execute(text("ANALYZE"))
    await database.close()


def key_of(inbox: UUID) -> str:
    return f"agt_{inbox}"


def pages(inbox: UUID, count: int) -> list[bytes]:
    headers = {"Authorization": f"Bearer {key_of(inbox)}"}
    return [
        load.get(
            f"/api/v1/agents/{inbox}/inbox?limit={PAGE}&after={random.randint(0, count - PAGE)}",
            headers,
        )
        for _ in range(5000)
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with place(postgres=options.postgres, recipients=2) as here:
        small, large = here.seeded.recipients
        boxes = {small: SMALL, large: options.large}
        asyncio.run(fill(here, boxes))
        with here.hub() as hub:
            found = compare(
                {
                    str(inbox): Plan(hub, pages(inbox, count), b"200")
                    for inbox, count in boxes.items()
                },
                connections=1,
                seconds=options.seconds,
                rounds=options.rounds,
            )
            few, many = found[str(small)], found[str(large)]
            assert not few.failed + many.failed
            print(
                f"inbox: {here.kind}, a page of {PAGE} of {options.large:,} beside {SMALL:,}:"
                f" {many.middle * 1e3:.2f} ms beside {few.middle * 1e3:.2f},"
                f" ratio {many.middle / few.middle:.2f} (goal {GOAL});"
                f" processor {many.cost * 1e6:.0f} µs beside {few.cost * 1e6:.0f};"
                f" memory of the hub {hub.memory() / 2**20:.0f} MiB"
            )


if __name__ == "__main__":
    main()
