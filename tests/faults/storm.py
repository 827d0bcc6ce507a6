"""A storm of sends on real hubs, and the comparison of what was answered with what is stored."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.faults.processes import Running
from tests.fixtures.factories import PASSWORD

SENDERS = 16

SETTINGS = {
    "HUBBUB_ADMIN_EMAIL": "admin@example.com",
    "HUBBUB_ADMIN_PASSWORD": PASSWORD,
    "HUBBUB_MESSAGES__SENDS_PER_MINUTE": "1000000",
    "HUBBUB_LIMITS__ENABLED": "false",
}


@dataclass
class Storm:
    """What was sent under which key, and what was answered."""

    key: str
    recipients: dict[str, str]
    """Ids, and the keys of these agents."""
    padding: int = 0
    answered: dict[str, str] = field(default_factory=dict)
    """Keys, and the ids of the messages."""
    open: set[str] = field(default_factory=set)
    """Keys whose sends got no answer."""
    refused: int = 0
    number: int = 0
    over: bool = False

    async def send(self, client: httpx2.AsyncClient, name: str) -> bool:
        """Whether it was accepted. The only refusal that a sound send may get is a 503."""
        self.open.add(name)
        ids = list(self.recipients)
        answer = await client.post(
            "/api/v1/messages",
            json={
                "to_agent_id": ids[int(name) % len(ids)],
                "content": name.ljust(self.padding),
            },
            headers={"Idempotency-Key": name},
        )
        if answer.status_code != 201:
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["retry-after"]) >= 1
            self.refused += 1
            return False
        message_id = answer.json()["id"]
        assert self.answered.setdefault(name, message_id) == message_id
        self.open.discard(name)
        return True

    async def rage(self, client: httpx2.AsyncClient) -> None:
        """Sends until the hub is gone."""
        with suppress(httpx2.TransportError):
            await self.press(client)

    async def press(self, client: httpx2.AsyncClient) -> None:
        """Sends until the storm is over; what is refused is sent again under its key."""
        while not self.over:
            self.number += 1
            name = str(self.number)
            await self.insist(client, name)

    async def insist(self, client: httpx2.AsyncClient, name: str) -> None:
        while not self.over:
            if await self.send(client, name):
                return
            await asyncio.sleep(0.02)  # a busy loop would only keep the hub from recovering


@asynccontextmanager
async def calling(hub: Running, key: str) -> AsyncIterator[httpx2.AsyncClient]:
    limits = httpx2.Limits(max_connections=SENDERS * 2)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(
        base_url=hub.url, headers=headers, limits=limits, timeout=30
    ) as client:
        yield client


async def begin(hub: Running, *, recipients: int = 3, padding: int = 0) -> Storm:
    """A sender, and agents who are sent to."""
    async with httpx2.AsyncClient(base_url=hub.url) as client:
        tokens = await client.post(
            "/api/v1/auth/token", data={"username": "admin@example.com", "password": PASSWORD}
        )
        client.headers["Authorization"] = f"Bearer {tokens.json()['access_token']}"
        made: list[dict[str, Any]] = []
        for name in ("sender", *(f"recipient-{number}" for number in range(recipients))):
            answer = await client.post("/api/v1/agents", json={"name": name})
            made.append(answer.json())
    return Storm(made[0]["key"], {agent["id"]: agent["key"] for agent in made[1:]}, padding)


async def until(look: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not look():  # noqa: ASYNC110 - counted by tasks
            await asyncio.sleep(0.005)


@asynccontextmanager
async def storming(hubs: Sequence[Running], storm: Storm) -> AsyncIterator[None]:
    """Sends to all of the hubs as long as the block lasts, and sees that each stays alive."""
    storm.over = False
    async with asyncio.TaskGroup() as group:
        for hub in hubs:
            group.create_task(_press_one(hub, storm, SENDERS // len(hubs)))
            group.create_task(_stays_alive(hub, storm))
            group.create_task(_reads(hub, storm))
        try:
            yield
        finally:
            storm.over = True


async def _press_one(hub: Running, storm: Storm, senders: int) -> None:
    async with calling(hub, storm.key) as client, asyncio.TaskGroup() as group:
        for _ in range(senders):
            group.create_task(storm.press(client))


async def _stays_alive(hub: Running, storm: Storm) -> None:
    async with httpx2.AsyncClient(base_url=hub.url, timeout=5) as client:
        while not storm.over:
            assert (await client.get("/healthz")).status_code == 200
            await asyncio.sleep(0.05)


async def _reads(hub: Running, storm: Storm) -> None:
    """Reading is refused as sending is: with a 503, or not at all."""
    inbox_id, key = next(iter(storm.recipients.items()))
    async with calling(hub, key) as client:
        while not storm.over:
            answer = await client.get(f"/api/v1/agents/{inbox_id}/inbox", params={"limit": "1"})
            assert answer.status_code in {200, 503}, answer.text
            await asyncio.sleep(0.01)


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
            assert await storm.send(client, name)


async def check(hub: Running, storm: Storm) -> None:
    """What is stored is what was answered: no more, no less, in inboxes without gaps."""
    stored: dict[str, str] = {}
    for agent_id, key in storm.recipients.items():
        entries = await inbox(hub, agent_id, key)
        assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
        for entry in entries:
            name = entry["message"]["content"].strip()
            assert name not in stored, "stored twice under one key"
            stored[name] = entry["message"]["id"]
    assert stored == storm.answered
