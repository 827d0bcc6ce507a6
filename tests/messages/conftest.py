from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI

from tests.fixtures.people import Person


@dataclass(frozen=True)
class Talker:
    """An agent that calls with its own key."""

    id: UUID
    handle: str
    owner: Person
    client: httpx2.AsyncClient

    @property
    def inbox(self) -> str:
        return f"/api/v1/agents/{self.id}/inbox"

    async def send(self, *to: "Talker", content: str = "hello", **more: Any) -> httpx2.Response:
        headers = {"Idempotency-Key": more.pop("key")} if "key" in more else {}
        body = {"to": [f"agent:{each.handle}" for each in to], "content": content} | more
        return await self.client.post("/api/v1/messages", json=body, headers=headers)

    async def read(self, **params: Any) -> dict[str, Any]:
        answer = await self.client.get(self.inbox, params=params)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        return page


class MakeTalker(Protocol):
    async def __call__(self, handle: str, owner: Person | None = None, **values: Any) -> Talker: ...


@pytest.fixture
async def talkers(app: FastAPI, authenticated_user: Person) -> AsyncIterator[MakeTalker]:
    """Registers agents, as many as a test needs."""
    async with AsyncExitStack() as stack:

        async def make(handle: str, owner: Person | None = None, **values: Any) -> Talker:
            owner = owner or authenticated_user
            made = await owner.client.post("/api/v1/agents", json={"name": handle} | values)
            assert made.status_code == 201, made.text
            transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
            client = httpx2.AsyncClient(
                transport=transport,
                base_url="http://localhost",
                headers={"Authorization": f"Bearer {made.json()['key']}"},
            )
            await stack.enter_async_context(client)
            return Talker(UUID(made.json()["id"]), handle, owner, client)

        yield make


@pytest.fixture
async def alice(talkers: MakeTalker) -> Talker:
    return await talkers("alice")


@pytest.fixture
async def bob(talkers: MakeTalker, other_user: Person) -> Talker:
    return await talkers("bob", other_user)
