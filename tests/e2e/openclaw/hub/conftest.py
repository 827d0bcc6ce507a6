"""A hub in this process, with its dispatcher, and agents who live in the one real gateway."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

import pytest

from hubbub.settings import DeliverySettings, GatewaySettings, Settings
from tests.e2e.openclaw.gateway import PATIENCE, Gateway
from tests.e2e.openclaw.posting import LEFT_OUT, Poster, fresh
from tests.fixtures.waiting import eventually
from tests.messages.conftest import MakeTalker, Talker, alice, talkers
from tests.messages.dispatch.conftest import deliveries

__all__ = ["alice", "talkers"]

# hasty, but for what a real gateway takes its time for
HASTY = DeliverySettings(retry_schedule=(0.5,) * 60, poll_seconds=0.1)


@pytest.fixture
def delivery() -> DeliverySettings:
    """A test that needs another patience overrides this."""
    return HASTY


@pytest.fixture
def settings(settings: Settings, delivery: DeliverySettings) -> Settings:
    return settings.model_copy(update={"delivery": delivery, "gateway": GatewaySettings()})


class MakeAgent(Protocol):
    async def __call__(self, handle: str, **values: Any) -> Talker: ...


@pytest.fixture
async def hooked(gateway: Gateway, talkers: MakeTalker) -> MakeAgent:
    """Agents that are pushed to by the gateway's hooks, each with a session of their own."""

    async def make(handle: str, **values: Any) -> Talker:
        how = {
            "gateway_kind": "openclaw",
            "gateway_url": gateway.url,
            "gateway_token": gateway.token,
            "session_key": fresh("hook:hub"),
        }
        return await talkers(handle, **how | values)

    return make


@pytest.fixture
async def chatting(gateway: Gateway, talkers: MakeTalker) -> MakeAgent:
    """Agents that are asked by the gateway's chat."""

    async def make(handle: str, **values: Any) -> Talker:
        how = {
            "gateway_kind": "openclaw-chat",
            "gateway_url": gateway.url,
            "gateway_token": gateway.operator_token,
            "session_key": fresh("agent:main:hub"),
        }
        return await talkers(handle, **how | values)

    return make


@asynccontextmanager
async def switched_off(gateway: Gateway, post: Poster) -> AsyncIterator[None]:
    """The gateway without its hooks and its chat, until the end of the block."""

    async def answers(*statuses: int) -> bool:
        seen = [await post.hook(gateway, LEFT_OUT), await post.chat(gateway, "", messages=[])]
        return [each.status_code for each in seen] == [*statuses]

    with gateway.set_otherwise(hooks=False, chat=False):
        await eventually(lambda: answers(404, 404), within=PATIENCE)
        yield
    await eventually(lambda: answers(400, 400), within=PATIENCE)


async def attempts(agent: Talker, number: int = 0) -> list[dict[str, Any]]:
    """Of the newest delivery, or of one before that."""
    found = (await deliveries(agent))[number]
    answer = await agent.owner.client.get(f"/api/v1/deliveries/{found['id']}/attempts")
    assert answer.status_code == 200, answer.text
    seen: list[dict[str, Any]] = answer.json()
    return seen


async def come_to(reader: Talker, **params: Any) -> dict[str, Any]:
    """A page of an inbox as soon as there is something on it. A turn may take its time."""
    page: dict[str, Any] = {}

    async def come() -> bool:
        page.update(await reader.read(wait=10, **params))
        return bool(page["items"])

    await eventually(come, within=PATIENCE)
    return page


async def until_tried(agent: Talker, reason: str) -> None:
    """The newest delivery to this agent has come to nothing once, for that reason."""

    async def tried() -> bool:
        return reason in {each["reason"] for each in await attempts(agent)}

    await eventually(tried, within=PATIENCE)
