"""Pushes a second, beside a bare loop of the same HTTP client that posts the same bytes; and what
gateways that hang or fail cost those that are well.

python -m bench.pushes [--postgres] [--deliveries 10000] [--gateways 1000] [--rounds 3]
"""

import argparse
import asyncio
import gc
import resource
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from uuid import UUID

from aiohttp import ClientSession
from sqlalchemy import insert, update

from bench import servers
from bench.place import free_port, place
from hubbub.agents.models import Agent
from hubbub.agents.types import GatewayKind
from hubbub.kit.db.dialect import db_now
from hubbub.kit.ids import new_id
from hubbub.kit.metrics import Metrics
from hubbub.kit.resources import Resources
from hubbub.lifespan import open_resources
from hubbub.messages.delivery import webhook
from hubbub.messages.delivery.types import Participant, Push, Request, Target
from hubbub.messages.models import Delivery, Lane, Message, PendingPush
from hubbub.messages.state import open_messages
from hubbub.messages.types import ContentType, Priority, State
from hubbub.settings import Environment, Settings

_CONTENT = "x" * 200
_CHUNK = 5000


@dataclass
class Measured:
    count: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        return self.count / self.seconds

    @property
    def per_cpu(self) -> float:
        return self.count / self.cpu


async def fill(resources: Resources, agents: list[UUID], urls: list[str], each: int) -> None:
    """So many deliveries to each of these agents, of which nobody knows yet that they are due."""
    now = resources.clock.now()
    sender = agents[0]
    messages = [new_id() for _ in range(each)]
    last = max(1, each)
    async with resources.database.write() as session:
        for agent_id, url in zip(agents, urls, strict=True):
            values = {"gateway_kind": GatewayKind.WEBHOOK, "gateway_url": url}
            await session.execute(update(Agent).where(Agent.id == agent_id).values(values))
        rows = [
            {
                "id": message_id,
                "sender_id": sender,
                "thread_id": message_id,
                "addressed": ["everyone"],
                "content": _CONTENT,
                "content_type": ContentType.TEXT,
                "priority": Priority.NORMAL,
                "hops": 0,
                "created_at": now,
            }
            for message_id in messages
        ]
        await session.execute(insert(Message), rows)
        lanes = [{"agent_id": a, "fence": 0, "failures": 0, "probes": 0} for a in agents]
        await session.execute(insert(Lane), lanes)
    same = [
        {"recipient_id": agent_id, "seq": seq, "message_id": message_id, "created_at": now}
        for agent_id in agents
        for seq, message_id in zip(range(1, last + 1), messages, strict=True)
    ]
    for start in range(0, len(same), _CHUNK):
        part = same[start : start + _CHUNK]
        async with resources.database.write() as session:
            made = [row | {"sender_id": sender, "state": State.QUEUED} for row in part]
            await session.execute(insert(Delivery), made)
            due = [
                row | {"rank": 2, "attempts": 0, "due_at": now, "posting": False} for row in part
            ]
            await session.execute(insert(PendingPush), due)


def _delivered(resources: Resources) -> int:
    samples = next(iter(resources.metrics.pushes.collect())).samples
    return int(
        sum(
            sample.value
            for sample in samples
            if sample.name.endswith("_total") and sample.labels["outcome"] == "delivered"
        )
    )


async def push(resources: Resources, wanted: int) -> Measured:
    """Until so many are delivered."""
    async with open_messages(resources) as messages:
        await asyncio.sleep(1)
        gc.collect()
        gc.freeze()  # as a server does
        async with resources.database.write() as session:
            await session.execute(update(Lane).values(due_at=db_now(-1)))
        begun, cpu = time.perf_counter(), time.process_time()
        messages.dispatcher.ring()
        while _delivered(resources) < wanted:  # noqa: ASYNC110 - counted by the dispatcher
            await asyncio.sleep(0.02)
        return Measured(wanted, time.perf_counter() - begun, time.process_time() - cpu)


def request_to(url: str) -> Request:
    somebody = Participant(new_id(), "agent-1", "Agent 1")
    at = datetime.now(UTC)
    made = Push(
        delivery_id="dlv_" + "x" * 43,
        target=Target(GatewayKind.WEBHOOK, url),
        sender=somebody,
        recipient=somebody,
        message_id=new_id(),
        thread_id=new_id(),
        seq=1,
        content=_CONTENT,
        created_at=at,
        attempted_at=at,
        hub_url="http://127.0.0.1",
    )
    return webhook.prepare(made, Settings(_env_file=None, environment=Environment.LOCAL).gateway)


async def bare(http: ClientSession, url: str, count: int, at_a_time: int) -> Measured:
    request = request_to(url)
    left = iter(range(count))

    async def post() -> None:
        for _ in left:
            async with http.post(
                request.url, data=request.body, headers=request.headers, allow_redirects=False
            ) as response:
                await response.read()

    begun, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(post() for _ in range(at_a_time)))
    return Measured(count, time.perf_counter() - begun, time.process_time() - cpu)


async def measure(
    folder: Path, dsn: str | None, agents: list[UUID], urls: list[str], each: int, *, beside: str
) -> tuple[Measured, Measured]:
    settings = Settings(
        _env_file=None, environment=Environment.LOCAL, data_dir=folder / "data", database_url=dsn
    )
    well = [url for url in urls if "/ok" in url]
    async with open_resources(settings, Metrics()) as resources:
        await fill(resources, agents, urls, each)
        alone = await bare(resources.http, beside, 5000, settings.delivery.concurrency)
        return await push(resources, len(well) * each), alone


def run(
    *, postgres: bool, gateways: int, deliveries: int, sick: int, port: int
) -> tuple[Measured, Measured]:
    """`sick`: so many hang, and as many fail."""
    each = max(1, deliveries // gateways)
    here = f"http://127.0.0.1:{port}"
    urls = [f"{here}/hang"] * sick + [f"{here}/500"] * sick
    urls += [f"{here}/ok-{number}" for number in range(gateways - len(urls))]
    with place(postgres=postgres, recipients=len(urls)) as made:
        servers.use_server_core()
        made_for = made.seeded.recipients
        return asyncio.run(
            measure(made.folder, made.dsn, made_for, urls, each, beside=f"{here}/ok")
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--deliveries", type=int, default=10_000)
    parser.add_argument("--gateways", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))
    port = free_port()
    gateways, count = options.gateways, options.deliveries
    sick = gateways // 20
    healthy = gateways - 2 * sick
    rates, costs, kept = [], [], []
    with servers.listening("bench.sink", port):
        for _ in range(options.rounds):
            shared = {"postgres": options.postgres, "port": port}
            alone, base = run(
                gateways=healthy, deliveries=count * healthy // gateways, sick=0, **shared
            )
            beside, _ = run(gateways=gateways, deliveries=count, sick=sick, **shared)
            rates.append(alone.rate / base.rate)
            costs.append(alone.per_cpu / base.per_cpu)
            kept.append(beside.rate / alone.rate)
            print(
                f"pushes: {alone.rate:.0f}/s beside {base.rate:.0f}/s of the bare client; a second"
                f" of processor: {alone.per_cpu:.0f} beside {base.per_cpu:.0f}; with {sick}"
                f" gateways that hang and {sick} that fail: {beside.rate:.0f}/s"
            )
    print(
        f"middle of {options.rounds} rounds: {median(rates):.2f} of the bare client's rate,"
        f" {median(costs):.2f} of what it does in a second of processor; with the sick"
        f" {median(kept):.2f} of the rate without them"
    )


if __name__ == "__main__":
    main()
