"""Several hubs on one PostgreSQL, which goes away and comes back, and which orders what they
write at the same time."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack

import asyncpg
import pytest

from tests.faults.processes import Running, Workplace
from tests.faults.storm import (
    SETTINGS,
    Storm,
    begin,
    calling,
    check,
    settle,
    storming,
    until,
)
from tests.fixtures.peers import PostgresServer


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    server = PostgresServer(durable=True)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def hubs(
    request: pytest.FixtureRequest, workplace: Workplace, server: PostgresServer
) -> Iterator[list[Running]]:
    workplace.env |= SETTINGS | {"HUBBUB_DATABASE_URL": server.dsn}
    with ExitStack() as stack:
        yield [stack.enter_context(workplace.serving()) for _ in range(request.param)]


@pytest.mark.parametrize("hubs", [2], indirect=True)
async def test_a_restarted_server_is_503_and_then_all_goes_on(
    hubs: list[Running], server: PostgresServer
) -> None:
    storm = await begin(hubs[0])
    async with storming(hubs, storm):
        await until(lambda: len(storm.answered) > 100)
        await asyncio.to_thread(server.stop)
        away_since = storm.refused
        await until(lambda: storm.refused > away_since + 50)
        await asyncio.to_thread(server.start)
        accepted = len(storm.answered)
        await until(lambda: len(storm.answered) > accepted + 200)
    await settle(hubs[0], storm)
    await check(hubs[1], storm)
    assert all(hub.ready() for hub in hubs)


@pytest.mark.parametrize("hubs", [2], indirect=True)
async def test_connections_that_are_ended_again_and_again(
    hubs: list[Running], server: PostgresServer
) -> None:
    storm = await begin(hubs[0])
    ours = await asyncpg.connect(server.dsn)
    ended = 0
    async with storming(hubs, storm):
        for _ in range(25):
            accepted = len(storm.answered)
            await until(lambda seen=accepted: len(storm.answered) > seen + 30)  # type: ignore[misc]
            ended += await ours.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
    await ours.close()
    assert ended >= 20  # the writer of each hub every time
    await settle(hubs[1], storm)
    await check(hubs[0], storm)


async def follow(hub: Running, storm: Storm, inbox_id: str, wanted: int) -> list[tuple[int, str]]:
    """What a reader sees who goes on from each page's cursor while others write."""
    seen: list[tuple[int, str]] = []
    async with calling(hub, storm.recipients[inbox_id]) as client:
        params = {"limit": "7", "wait": "20"}
        while len(seen) < wanted:
            answer = await client.get(f"/api/v1/agents/{inbox_id}/inbox", params=params)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            seen += [(entry["seq"], entry["message"]["id"]) for entry in page["items"]]
            params["after"] = page["next_cursor"]
    return seen


async def send_share(hub: Running, storm: Storm, names: list[str]) -> None:
    waiting = iter(names)

    async def send_next() -> None:
        for name in waiting:
            assert await storm.send(client, name)

    async with calling(hub, storm.key) as client, asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(send_next())


@pytest.mark.parametrize("hubs", [4], indirect=True)
async def test_four_hubs_write_to_one_inbox_and_readers_miss_nothing(hubs: list[Running]) -> None:
    """A third of the keys come to every hub at once, the others to one each."""
    storm = await begin(hubs[0], recipients=1)
    [inbox_id] = storm.recipients
    count = 900
    shares = [
        [str(number) for number in range(count) if number % 3 == 0 or number % 4 == place]
        for place in range(4)
    ]
    async with asyncio.TaskGroup() as group:
        readers = [
            group.create_task(follow(hub, storm, inbox_id, count)) for hub in (hubs[1], hubs[3])
        ]
        for hub, share in zip(hubs, shares, strict=True):
            group.create_task(send_share(hub, storm, share))

    assert len(storm.answered) == count
    for reader in readers:
        seen = reader.result()
        assert [seq for seq, _ in seen] == list(range(1, count + 1))
        assert {message_id for _, message_id in seen} == set(storm.answered.values())
    await check(hubs[2], storm)
