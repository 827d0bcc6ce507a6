"""Servers and workers that push beside each other on one PostgreSQL, and are killed while they
do."""

import asyncio
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx2
import orjson
import pytest
from aiohttp import web
from redis.asyncio import Redis
from websockets.asyncio.client import connect

from hubbub.messages.watch import CHANNEL
from tests.faults.processes import Running, Workplace, end
from tests.faults.storm import SETTINGS
from tests.fixtures.factories import PASSWORD
from tests.fixtures.peers import PostgresServer
from tests.fixtures.waiting import eventually

LEASE = 2.0
IN_FLIGHT = 4
PUSHING = {
    "HUBBUB_DELIVERY__LEASE_SECONDS": str(LEASE),
    "HUBBUB_DELIVERY__RETRY_SCHEDULE": "0.2,0.2,0.2,0.2,0.2,0.2",
    "HUBBUB_MESSAGES__SENDS_PER_MINUTE": "1000000",
}


@dataclass
class Sink:
    """A receiver of webhooks; each agent has a path of its own."""

    delay: float = 0.0
    url: str = ""
    received: list[tuple[str, str, str]] = field(default_factory=list)
    """Whose path, which delivery, and what was said."""

    async def take(self, request: web.Request) -> web.Response:
        content = orjson.loads(await request.read())["data"]["message"]["content"]
        self.received.append((request.path, request.headers["webhook-id"], content))
        if self.delay:
            await asyncio.sleep(self.delay)
        return web.Response()

    @property
    def times(self) -> Counter[str]:
        return Counter(name for _, name, _ in self.received)


@asynccontextmanager
async def sink(delay: float = 0.0) -> AsyncIterator[Sink]:
    made = Sink(delay)
    app = web.Application()
    app.router.add_post("/{agent}", made.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    server = PostgresServer(durable=True)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def place(workplace: Workplace, server: PostgresServer) -> Workplace:
    workplace.env |= SETTINGS | PUSHING | {"HUBBUB_DATABASE_URL": server.dsn}
    return workplace


@dataclass
class Workers:
    place: Workplace
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, count: int = 1) -> None:
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.running += [self.place.start("worker", **quiet) for _ in range(count)]

    def kill(self) -> None:
        """The one that has been running longest."""
        worker = self.running.pop(0)
        worker.kill()
        worker.wait()


@pytest.fixture
def workers(place: Workplace) -> Iterator[Workers]:
    made = Workers(place)
    yield made
    for each in made.running:
        end(each)


@asynccontextmanager
async def admin_of(hub: Running) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=hub.url, timeout=60) as client:
        login = {"username": "admin@example.com", "password": PASSWORD}
        tokens = await client.post("/api/v1/auth/token", data=login)
        client.headers["Authorization"] = f"Bearer {tokens.json()['access_token']}"
        yield client


async def make_agents(client: httpx2.AsyncClient, where: Sink, count: int) -> list[str]:
    """The first one wants one after the other."""
    names = [f"agent-{number}" for number in range(count)]
    for number, name in enumerate(names):
        new: dict[str, Any] = {
            "name": name,
            "gateway_kind": "webhook",
            "gateway_url": f"{where.url}/{name}",
            "ordered": number == 0,
            "max_in_flight": IN_FLIGHT,
        }
        answer = await client.post("/api/v1/agents", json=new)
        assert answer.status_code == 201, answer.text
    return names


async def send(client: httpx2.AsyncClient, names: list[str], messages: int) -> None:
    """Each message goes to all of them."""
    to = [f"agent:{name}" for name in names]
    rows = [{"to": to, "content": str(number)} for number in range(messages)]
    for start in range(0, messages, 100):
        body = {"messages": rows[start : start + 100]}
        answer = await client.post("/api/v1/messages/batch", json=body)
        assert {each["status"] for each in answer.json()["results"]} == {201}


async def until_delivered(dsn: str, count: int, *, within: float) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        async with asyncio.timeout(within):
            while True:
                rows = await connection.fetch("SELECT state, count(*) FROM delivery GROUP BY 1")
                if {row[0]: row[1] for row in rows} == {"delivered": count}:
                    break
                await asyncio.sleep(0.05)
        assert await connection.fetchval("SELECT count(*) FROM push") == 0
    finally:
        await connection.close()


async def test_workers_are_killed_while_they_push(
    place: Workplace, workers: Workers, server: PostgresServer
) -> None:
    messages, kills = 120, 4
    with ExitStack() as stack:
        hub = stack.enter_context(place.serving())
        async with sink(delay=0.02) as there, admin_of(hub) as client:
            names = await make_agents(client, there, 6)
            workers.start(2)
            sending = asyncio.create_task(send(client, names, messages))
            for number in range(kills):
                wanted = (number + 1) * messages * len(names) // (kills + 2)
                async with asyncio.timeout(60):
                    while len(there.received) < wanted:  # noqa: ASYNC110 - filled by the sink
                        await asyncio.sleep(0.005)
                await asyncio.to_thread(workers.kill)
                workers.start()
            await sending
            await until_delivered(server.dsn, messages * len(names), within=LEASE + 60)

            times = there.times
            assert len(times) == messages * len(names)
            again = sum(times.values()) - len(times)
            in_flight = IN_FLIGHT * (len(names) - 1) + 1
            assert again <= kills * in_flight
            in_order = [content for path, _, content in there.received if path == "/agent-0"]
            firsts = list(dict.fromkeys(in_order))
            assert firsts == [str(number) for number in range(messages)]


async def test_a_server_that_is_killed_leaves_nothing_stuck(
    place: Workplace, server: PostgresServer
) -> None:
    async with sink(delay=0.05) as there:
        with place.serving() as hub:
            async with admin_of(hub) as client:
                names = await make_agents(client, there, 4)
                await send(client, names, 40)
                async with asyncio.timeout(30):
                    while len(there.received) < 40:  # noqa: ASYNC110 - filled by the sink
                        await asyncio.sleep(0.005)
            hub.process.kill()
            await asyncio.to_thread(hub.process.wait)
        with place.serving():
            await until_delivered(server.dsn, 160, within=LEASE + 60)
        assert len(there.times) == 160
        assert len(there.received) - 160 <= IN_FLIGHT * 3 + 1


async def test_four_workers_push_each_of_ten_thousand_once(
    place: Workplace, workers: Workers, server: PostgresServer
) -> None:
    # a machine that is busy enough can let two seconds pass: that would be another test
    place.env["HUBBUB_DELIVERY__LEASE_SECONDS"] = "60"
    with place.serving() as hub:
        async with sink() as there, admin_of(hub) as client:
            names = await make_agents(client, there, 100)
            workers.start(4)
            await send(client, names, 100)
            await until_delivered(server.dsn, 10_000, within=240)
            times = there.times
    assert len(times) == 10_000
    assert set(times.values()) == {1}


async def until_there(valkey_url: str, processes: int) -> None:
    """All of them listen to the bus."""
    async with Redis.from_url(valkey_url) as redis:

        async def so() -> bool:
            [(_, count)] = await redis.pubsub_numsub(f"hubbub:bus:{CHANNEL}")
            return int(count) == processes

        await eventually(so, within=60)


async def test_a_socket_hears_of_what_workers_push(
    place: Workplace, workers: Workers, valkey_url: str
) -> None:
    # no process takes all lanes
    place.env |= {"HUBBUB_REDIS_URL": valkey_url, "HUBBUB_DELIVERY__CONCURRENCY": "2"}
    messages = 100
    with place.serving() as hub:
        async with sink(delay=0.1) as there, admin_of(hub) as client:
            names = await make_agents(client, there, 8)
            alice = (await client.post("/api/v1/agents", json={"name": "alice"})).json()
            key = {"Authorization": f"Bearer {alice['key']}"}
            client.headers |= key
            workers.start(2)
            await until_there(valkey_url, 3)
            where = f"{hub.url.replace('http', 'ws')}/ws/agents/{alice['id']}"
            async with connect(where, additional_headers=key) as line:
                await send(client, names, messages)
                told: set[str] = set()
                async with asyncio.timeout(60):
                    while len(told) < messages * len(names):
                        frame = orjson.loads(await line.recv())
                        if frame["type"] == "state":
                            assert frame["delivery"]["state"] == "delivered"
                            told.add(frame["delivery"]["id"])
