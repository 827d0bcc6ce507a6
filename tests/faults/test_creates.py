"""A hub that is killed while agents register has made each agent with its answer, or neither."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import httpx2

from tests.faults.processes import Running, Workplace
from tests.fixtures.factories import PASSWORD

ADMIN = "admin@example.com"
KILLS = 3
CALLERS = 8
WANTED = 20


class Registrations:
    def __init__(self) -> None:
        self.answered: dict[str, str] = {}
        """Names, and the keys of the agents."""
        self.asked: set[str] = set()
        self._names = (f"agent-{number}" for number in count())

    async def ask(self, client: httpx2.AsyncClient, name: str) -> str:
        self.asked.add(name)
        answer = await client.post(
            "/api/v1/agents", json={"name": name}, headers={"Idempotency-Key": name}
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["key"])

    async def go_on(self, client: httpx2.AsyncClient) -> None:
        """Until the hub is gone."""
        try:
            for name in self._names:
                self.answered[name] = await self.ask(client, name)
        except httpx2.TransportError:
            return


@asynccontextmanager
async def signed_in(hub: Running) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=hub.url, timeout=30) as client:
        form = {"username": ADMIN, "password": PASSWORD}
        tokens = (await client.post("/api/v1/auth/token", data=form)).json()
        client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        yield client


async def register_and_kill(hub: Running, made: Registrations) -> None:
    enough = len(made.answered) + WANTED
    async with signed_in(hub) as client, asyncio.TaskGroup() as group:
        for _ in range(CALLERS):
            group.create_task(made.go_on(client))
        async with asyncio.timeout(30):
            while len(made.answered) < enough:  # noqa: ASYNC110 - counted by tasks
                await asyncio.sleep(0.001)
        hub.process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(hub.process.wait)


async def test_what_got_no_answer_can_be_asked_again(workplace: Workplace) -> None:
    workplace.env |= {
        "HUBBUB_ADMIN_EMAIL": ADMIN,
        "HUBBUB_ADMIN_PASSWORD": PASSWORD,
        "HUBBUB_LIMITS__ENABLED": "false",
    }
    made = Registrations()
    for _ in range(KILLS):
        with workplace.serving() as hub:
            await register_and_kill(hub, made)

    with workplace.serving() as hub:
        async with signed_in(hub) as client:
            told = {name: await made.ask(client, name) for name in sorted(made.asked)}
            statuses = {
                (await client.get("/api/v1/agents", headers={"X-API-Key": key})).status_code
                for key in told.values()
            }

    assert told | made.answered == told
    assert statuses == {200}
    assert len(told) == len(set(told.values())) >= KILLS * WANTED
