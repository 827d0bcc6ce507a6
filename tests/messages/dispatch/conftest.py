import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Protocol

import pytest

from hubbub.settings import DeliverySettings, GatewaySettings, Settings
from tests.fixtures.elsewhere import Behaviour, Elsewhere, Received, elsewhere, says
from tests.fixtures.waiting import eventually
from tests.messages.conftest import MakeTalker, Talker

QUICK = DeliverySettings(
    retry_schedule=(0.02, 0.02, 0.02), poll_seconds=0.05, lease_seconds=2, probe_schedule=(0.05,)
)


@pytest.fixture
def delivery() -> DeliverySettings:
    """How patient the hub under test is; a test that needs another patience overrides this."""
    return QUICK


@pytest.fixture
def settings(settings: Settings, delivery: DeliverySettings) -> Settings:
    gateway = GatewaySettings(connect_timeout=2, timeout=5, chat_timeout=5)
    return settings.model_copy(update={"delivery": delivery, "gateway": gateway})


_FINE = says(200)


class Gateway:
    """A server that answers as it is told at the moment, and an agent that is reached there."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.at_work = 0
        self.most_at_work = 0
        self.there = Elsewhere(self._behave)
        self.agent: Talker

    async def _behave(self, got: Received, writer: asyncio.StreamWriter) -> None:
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            await self.behaviour(got, writer)
        finally:
            self.at_work -= 1

    @property
    def received(self) -> list[Received]:
        return self.there.received

    @property
    def contents(self) -> list[str]:
        """What was said, of webhooks."""
        return [said(each) for each in self.received]

    async def has_received(self, count: int, *, within: float = 10) -> None:
        async def enough() -> bool:
            return len(self.received) >= count

        await eventually(enough, within=within)


def said(got: Received) -> str:
    content: str = got.json()["data"]["message"]["content"]  # type: ignore[index]
    return content


class MakeGateway(Protocol):
    async def __call__(self, handle: str, behaviour: Behaviour = ..., **values: Any) -> Gateway: ...


@asynccontextmanager
async def _serving(behaviour: Behaviour) -> AsyncIterator[Gateway]:
    gateway = Gateway(behaviour)
    async with elsewhere(gateway._behave) as there:
        gateway.there = there
        yield gateway


@pytest.fixture
async def gateways(talkers: MakeTalker) -> AsyncIterator[MakeGateway]:
    """Agents with gateways of their own, webhooks unless something else is said."""
    async with AsyncExitStack() as stack:

        async def make(handle: str, behaviour: Behaviour = _FINE, **values: Any) -> Gateway:
            gateway = await stack.enter_async_context(_serving(behaviour))
            how = {"gateway_kind": "webhook", "gateway_url": gateway.there.url} | values
            gateway.agent = await talkers(handle, **how)
            return gateway

        yield make


async def deliveries(agent: Talker, **params: Any) -> list[dict[str, Any]]:
    """The newest first, as the owner sees them."""
    query: dict[str, Any] = {"agent": str(agent.id), "limit": 100} | params
    answer = await agent.owner.client.get("/api/v1/deliveries", params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def until_all(agent: Talker, state: str, count: int, *, within: float = 10) -> None:
    async def done() -> bool:
        states = [each["state"] for each in await deliveries(agent)]
        return states == [state] * count

    await eventually(done, within=within)


async def status_of(agent: Talker) -> dict[str, Any]:
    answer = await agent.owner.client.get(f"/api/v1/agents/{agent.id}/gateway")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def until_paused(agent: Talker, reason: str | None, *, within: float = 10) -> dict[str, Any]:
    """By that reason, or no more."""
    seen: dict[str, Any] = {}

    async def so() -> bool:
        seen.update(await status_of(agent))
        return seen["paused"] is (reason is not None) and seen["reason"] == reason

    await eventually(so, within=within)
    return seen


def first(count: int, one: Behaviour, then: Behaviour) -> Behaviour:
    """Answers that many requests in one way, and all others in another."""
    seen = 0

    async def behaviour(got: Received, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        seen += 1
        await (one if seen <= count else then)(got, writer)

    return behaviour


def when(opened: asyncio.Event, then: Behaviour) -> Behaviour:
    async def behaviour(got: Received, writer: asyncio.StreamWriter) -> None:
        await opened.wait()
        await then(got, writer)

    return behaviour


type Chooses = Callable[[Received], Behaviour]


def chosen(choose: Chooses) -> Behaviour:
    async def behaviour(got: Received, writer: asyncio.StreamWriter) -> None:
        await choose(got)(got, writer)

    return behaviour
