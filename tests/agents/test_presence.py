from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import event

from hubbub.agents.presence import PresenceBuffer, open_presence
from hubbub.agents.queries import last_seen
from hubbub.agents.state import AgentState
from hubbub.kit.clock import ManualClock
from hubbub.kit.resources import Resources
from tests.agents.helpers import as_agent, make_agent, path
from tests.fixtures.people import Person


@pytest.fixture
def presence(app: FastAPI) -> PresenceBuffer:
    state: AgentState = app.state.agents
    return state.presence


async def test_is_written_down_later_and_seen_by_everybody(
    client: httpx2.AsyncClient,
    authenticated_user: Person,
    other_user: Person,
    presence: PresenceBuffer,
) -> None:
    agent = await make_agent(authenticated_user, "ada")
    await as_agent(client, agent, "GET", path(agent))
    before = (await other_user.client.get(path(agent, "presence"))).json()

    await presence.flush()
    after = (await other_user.client.get(path(agent, "presence"))).json()
    read = (await other_user.client.get(path(agent))).json()

    assert before == {"online": False, "last_seen_at": None, "connections": 0}
    at = datetime.fromisoformat(after["last_seen_at"])
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    assert read["last_seen_at"] == after["last_seen_at"]
    assert read["updated_at"] is None


async def test_once_a_minute_is_enough(
    hub: Resources, authenticated_user: Person, statements: list[str]
) -> None:
    agent = UUID((await make_agent(authenticated_user, "ada"))["id"])
    clock = ManualClock()
    object.__setattr__(hub, "clock", clock)
    buffer = PresenceBuffer(hub)

    buffer.seen(agent)
    await buffer.flush()
    first = await written(hub, agent)
    clock.move(timedelta(seconds=30))
    buffer.seen(agent)
    await buffer.flush()

    assert await written(hub, agent) == first
    eager = PresenceBuffer(hub, at_most_every=0)
    eager.seen(agent)
    await eager.flush()
    assert await written(hub, agent) - first == timedelta(seconds=30)


async def test_many_are_one_statement(
    hub: Resources, authenticated_user: Person, statements: list[str]
) -> None:
    agents = [
        UUID((await make_agent(authenticated_user, f"agent-{number}"))["id"])
        for number in range(10)
    ]
    buffer = PresenceBuffer(hub)
    for agent in agents:
        buffer.seen(agent)
    statements.clear()

    await buffer.flush()
    await buffer.flush()

    assert len([each for each in statements if "agent_presence" in each]) == 1
    assert all([await written(hub, agent) for agent in agents])


async def test_what_waits_is_written_at_the_end(hub: Resources, authenticated_user: Person) -> None:
    agent = UUID((await make_agent(authenticated_user, "ada"))["id"])

    async with open_presence(hub, every=3600) as buffer:
        buffer.seen(agent)

    assert await written(hub, agent)


@pytest.fixture
def statements(hub: Resources) -> list[str]:
    """Everything that is said to the database in write sessions."""
    said: list[str] = []
    event.listen(
        hub.database.write_engine.sync_engine,
        "before_cursor_execute",
        lambda *args: said.append(args[2]),
    )
    return said


async def written(hub: Resources, agent: UUID) -> datetime:
    async with hub.database.read() as session:
        return (await last_seen(session, [agent]))[agent]
