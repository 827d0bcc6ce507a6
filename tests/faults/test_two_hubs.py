"""Two hubs on one PostgreSQL, with a bus between them and without: who is connected to one of them
gets what is said at the other, and loses the line at both when they may no more."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import cycle, product
from typing import Any

import httpx2
import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.faults.processes import Running, Workplace
from tests.faults.storm import SETTINGS, calling
from tests.fixtures.factories import PASSWORD

EACH = 60
STEP = 8


@dataclass
class Place:
    hubs: list[Running]
    has_bus: bool


@pytest.fixture(params=[True, False], ids=["bus", "no-bus"])
def place(
    request: pytest.FixtureRequest, workplace: Workplace, postgres_dsn: str, valkey_url: str
) -> Iterator[Place]:
    workplace.env |= SETTINGS | {
        "HUBBUB_DATABASE_URL": postgres_dsn.replace("+asyncpg", ""),
        "HUBBUB_AUTH__SIGN_UP": "open",
    }
    if request.param:
        workplace.env["HUBBUB_REDIS_URL"] = valkey_url
    with ExitStack() as stack:
        hubs = [stack.enter_context(workplace.serving()) for _ in range(2)]
        yield Place(hubs, request.param)


@dataclass
class Agent:
    id: str
    name: str
    key: str


@asynccontextmanager
async def signed_in(hub: Running, name: str = "admin") -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=f"{hub.url}/api/v1", timeout=30) as client:
        form = {"username": f"{name}@example.com", "password": PASSWORD}
        tokens = await client.post("/auth/token", data=form)
        assert tokens.status_code == 200, tokens.text
        client.headers["Authorization"] = f"Bearer {tokens.json()['access_token']}"
        yield client


async def made(client: httpx2.AsyncClient, path: str, **body: object) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def agent(client: httpx2.AsyncClient, name: str) -> Agent:
    found = await made(client, "/agents", name=name)
    return Agent(found["id"], name, found["key"])


async def dial(stack: AsyncExitStack, hub: Running, path: str, key: str) -> ClientConnection:
    line = await stack.enter_async_context(
        connect(
            f"{hub.url.replace('http:', 'ws:')}/ws/{path}",
            additional_headers={"Authorization": f"Bearer {key}"},
            max_size=None,
            proxy=None,
        )
    )
    assert orjson.loads(await line.recv())["type"] == "hello"
    return line


async def entries(line: ClientConnection, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(80):
        while len(found) < count:
            frame = orjson.loads(await line.recv())
            assert frame["type"] in {"message", "presence"}, frame
            if frame["type"] == "message":
                found.append(frame)
    return found


async def say(hub: Running, speaker: Agent, to: str, count: int) -> None:
    async with calling(hub, speaker.key) as client:
        for number in range(count):
            await made(client, "/api/v1/messages", to=[to], content=str(number))


# a part of a stream, by each of the ways to read one

type Seen = tuple[int, str]
"""A number, and the cursor there."""


async def by_socket(hub: Running, reader: Agent, cursor: str, count: int) -> list[Seen]:
    async with AsyncExitStack() as stack:
        line = await dial(stack, hub, f"agents/{reader.id}?after={cursor}", reader.key)
        return [(each["seq"], each["cursor"]) for each in await entries(line, count)]


async def by_events(hub: Running, reader: Agent, cursor: str, count: int) -> list[Seen]:
    found: list[Seen] = []
    async with (
        calling(hub, reader.key) as client,
        client.stream(
            "GET", f"/api/v1/agents/{reader.id}/events", headers={"Last-Event-ID": cursor}
        ) as events,
    ):
        assert events.status_code == 200
        async for text in events.aiter_lines():
            name, _, value = text.partition(": ")
            if name == "data":
                data = orjson.loads(value)
                found.append((data["seq"], data["cursor"]))
            if len(found) == count:
                break
    return found


async def by_waiting(hub: Running, reader: Agent, cursor: str, count: int) -> list[Seen]:
    async with calling(hub, reader.key) as client:
        params = {"after": cursor, "wait": "20", "limit": str(count)}
        answer = await client.get(f"/api/v1/agents/{reader.id}/inbox", params=params)
        page = answer.json()
        epoch = page["epoch"]
        return [(each["seq"], f"{epoch}:{each['seq']}") for each in page["items"]]


async def wander(hubs: list[Running], reader: Agent, wanted: int) -> list[int]:
    """Reads on at another hub, or in another way, again and again."""
    seen: list[int] = []
    cursor = "0"
    ways = cycle(product((by_socket, by_events, by_waiting), hubs))
    while len(seen) < wanted:
        way, hub = next(ways)
        part = await way(hub, reader, cursor, min(STEP, wanted - len(seen)))
        seen += [seq for seq, _ in part]
        cursor = part[-1][1]
    return seen


async def test_a_stream_goes_on_whichever_hub_and_transport(place: Place) -> None:
    one, two = place.hubs
    async with signed_in(one) as admin:
        anna, bert, cleo = [await agent(admin, name) for name in ("anna", "bert", "cleo")]
    async with AsyncExitStack() as stack:
        lines = [await dial(stack, hub, f"agents/{cleo.id}", cleo.key) for hub in place.hubs]
        async with asyncio.timeout(90), asyncio.TaskGroup() as group:
            group.create_task(say(one, anna, "agent:cleo", EACH))
            group.create_task(say(two, bert, "agent:cleo", EACH))
            wandering = group.create_task(wander(place.hubs, cleo, 2 * EACH))
            staying = [group.create_task(entries(line, 2 * EACH)) for line in lines]

    assert wandering.result() == list(range(1, 2 * EACH + 1))
    for each in staying:
        assert [entry["seq"] for entry in each.result()] == list(range(1, 2 * EACH + 1))


async def test_a_room_is_one_room(place: Place) -> None:
    one, two = place.hubs
    async with signed_in(one) as admin:
        anna, bert = [await agent(admin, name) for name in ("anna", "bert")]
        room = await made(admin, "/rooms", name="plaza", title="Plaza")
    for hub, each in ((one, anna), (two, bert)):
        async with calling(hub, each.key) as client:
            joined = await client.post(f"/api/v1/rooms/{room['id']}/join", json={})
            assert joined.status_code < 300, joined.text
    path = f"rooms/{room['id']}"
    async with AsyncExitStack() as stack:
        lines = [await dial(stack, hub, path, anna.key) for hub in place.hubs]
        async with asyncio.timeout(90), asyncio.TaskGroup() as group:
            group.create_task(say(one, anna, "room:plaza", 40))
            group.create_task(say(two, bert, "room:plaza", 40))
            heard = [group.create_task(entries(line, 80)) for line in lines]
        first, second = [each.result() for each in heard]
        assert [entry["seq"] for entry in first] == list(range(1, 81))
        assert first == second

        async with calling(one, anna.key) as client:
            await client.post(f"/api/v1/{path}/leave", json={})
        patience = 1 if place.has_bus else 5
        assert await ends(lines, patience) == [4403, 4403]


async def ends(lines: list[ClientConnection], seconds: float) -> list[int]:
    async def end(line: ClientConnection) -> int:
        try:
            while True:
                await line.recv()
        except ConnectionClosed:
            return line.close_code or 0

    async with asyncio.timeout(seconds):
        return list(await asyncio.gather(*(end(line) for line in lines)))


async def test_who_may_no_more_is_out_at_both(place: Place) -> None:
    """Whichever hub hears of it first."""
    one, two = place.hubs
    patience = 1 if place.has_bus else 10
    async with AsyncExitStack() as stack, signed_in(one) as admin:
        account = {"username": "mia", "email": "mia@example.com", "full_name": "Mia"}
        await made(admin, "/users", **account, password=PASSWORD)
        mia = await stack.enter_async_context(signed_in(two, "mia"))
        key = await made(mia, "/api-keys", name="k", scopes=["read"])
        dora = await agent(mia, "dora")
        by_key = [await dial(stack, hub, "private", key["key"]) for hub in place.hubs]
        others = [await dial(stack, hub, f"agents/{dora.id}", dora.key) for hub in place.hubs] + [
            await dial(stack, hub, "private", str(mia.headers["Authorization"])[7:])
            for hub in place.hubs
        ]

        assert (await mia.delete(f"/api-keys/{key['id']}")).status_code < 300
        assert await ends(by_key, patience) == [4401, 4401]

        me = (await mia.get("/auth/me")).json()["user"]
        changed = await admin.patch(f"/users/{me['id']}", json={"is_active": False})
        assert changed.status_code == 200, changed.text
        assert await ends(others, patience) == [4401] * 4
