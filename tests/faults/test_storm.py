"""A hub that is killed in the middle of a storm of sends has lost nothing that it accepted."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.faults.processes import Running, Workplace
from tests.fixtures.factories import PASSWORD
from tests.fixtures.peers import PostgresServer

KILLS = 10
SENDERS = 16


@dataclass
class Storm:
    """What was sent under which key, and what was answered."""

    key: str
    recipients: list[str]
    answered: dict[str, str] = field(default_factory=dict)
    """Keys, and the ids of the messages."""
    open: set[str] = field(default_factory=set)
    """Keys whose sends got no answer."""
    number: int = 0

    async def send(self, client: httpx2.AsyncClient, name: str, recipient: str) -> None:
        self.open.add(name)
        answer = await client.post(
            "/api/v1/messages",
            json={"to_agent_id": recipient, "content": name},
            headers={"Idempotency-Key": name},
        )
        if answer.status_code == 201:
            self.answered[name] = answer.json()["id"]
            self.open.discard(name)

    async def rage(self, client: httpx2.AsyncClient) -> None:
        """Sends until the hub is gone."""
        try:
            while True:
                self.number += 1
                await self.send(client, str(self.number), self.recipient(self.number))
        except httpx2.TransportError:
            return

    def recipient(self, number: int) -> str:
        return self.recipients[number % len(self.recipients)]


@asynccontextmanager
async def calling(hub: Running, key: str) -> AsyncIterator[httpx2.AsyncClient]:
    limits = httpx2.Limits(max_connections=SENDERS * 2)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(
        base_url=hub.url, headers=headers, limits=limits, timeout=30
    ) as client:
        yield client


async def begin(hub: Running) -> tuple[Storm, dict[str, str]]:
    """A sender and three recipients; returns the recipients' keys as well."""
    async with httpx2.AsyncClient(base_url=hub.url) as client:
        tokens = await client.post(
            "/api/v1/auth/token", data={"username": "admin@example.com", "password": PASSWORD}
        )
        client.headers["Authorization"] = f"Bearer {tokens.json()['access_token']}"
        made: list[dict[str, Any]] = []
        for name in ("sender", "one", "two", "three"):
            answer = await client.post("/api/v1/agents", json={"name": name})
            made.append(answer.json())
    keys = {agent["id"]: agent["key"] for agent in made[1:]}
    return Storm(made[0]["key"], list(keys)), keys


async def storm_and_kill(hub: Running, storm: Storm, wanted: int) -> None:
    before = len(storm.answered)
    async with calling(hub, storm.key) as client, asyncio.TaskGroup() as group:
        for _ in range(SENDERS):
            group.create_task(storm.rage(client))
        async with asyncio.timeout(30):
            while len(storm.answered) < before + wanted:  # noqa: ASYNC110 - counted by tasks
                await asyncio.sleep(0.005)
        hub.process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(hub.process.wait)


async def inbox(hub: Running, agent_id: str, key: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    async with calling(hub, key) as client:
        cursor = "0"
        while True:
            params = {"after": cursor, "limit": "100"}
            page = (await client.get(f"/api/v1/agents/{agent_id}/inbox", params=params)).json()
            if not page["items"]:
                return entries
            entries += page["items"]
            cursor = page["next_cursor"]


async def settle(hub: Running, storm: Storm) -> None:
    """Sends again what got no answer, under the keys that it had."""
    async with calling(hub, storm.key) as client:
        for name in sorted(storm.open):
            await storm.send(client, name, storm.recipient(int(name)))
    assert not storm.open


async def check(hub: Running, storm: Storm, keys: dict[str, str]) -> None:
    stored: dict[str, str] = {}
    for agent_id, key in keys.items():
        entries = await inbox(hub, agent_id, key)
        assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
        for entry in entries:
            name = entry["message"]["content"]
            assert name not in stored, "stored twice under one key"
            stored[name] = entry["message"]["id"]
    assert stored == storm.answered


@pytest.fixture(params=["sqlite", "postgresql"])
def storm_place(request: pytest.FixtureRequest, workplace: Workplace) -> Iterator[Workplace]:
    workplace.env |= {
        "HUBBUB_ADMIN_EMAIL": "admin@example.com",
        "HUBBUB_ADMIN_PASSWORD": PASSWORD,
        "HUBBUB_MESSAGES__SENDS_PER_MINUTE": "1000000",
        "HUBBUB_LIMITS__ENABLED": "false",
    }
    if request.param == "sqlite":
        yield workplace
        return
    server = PostgresServer(durable=True)
    try:
        server.start()
        workplace.env["HUBBUB_DATABASE_URL"] = server.dsn
        yield workplace
    finally:
        server.remove()


async def test_nothing_accepted_is_lost_however_often_it_is_killed(
    storm_place: Workplace, tmp_path: Path
) -> None:
    storm: Storm | None = None
    keys: dict[str, str] = {}
    for _ in range(KILLS):
        with storm_place.serving() as hub:
            if storm is None:
                storm, keys = await begin(hub)
            await storm_and_kill(hub, storm, wanted=60)
    assert storm is not None
    with storm_place.serving() as hub:
        await settle(hub, storm)
        await check(hub, storm, keys)
    assert len(storm.answered) >= KILLS * 60
