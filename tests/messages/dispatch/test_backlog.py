"""A gateway for an agent that has let a great many wait."""

import pytest

from hubbub.settings import MessageSettings, Settings
from tests.fixtures.elsewhere import says
from tests.fixtures.waiting import eventually
from tests.messages.conftest import Talker
from tests.messages.dispatch.conftest import MakeGateway, status_of

WAITING = 20_000


@pytest.fixture
def settings(settings: Settings) -> Settings:
    messages = MessageSettings(sends_per_minute=WAITING)
    return settings.model_copy(update={"messages": messages})


async def test_all_of_it_is_taken_up_at_once(
    alice: Talker, bob: Talker, gateways: MakeGateway
) -> None:
    """In one transaction, and nobody else writes meanwhile."""
    other = await gateways("other", says(401))
    rows = [{"to_agent_id": str(bob.id), "content": "x"}] * 1000
    for _ in range(WAITING // len(rows)):
        answer = await alice.client.post("/api/v1/messages/batch", json={"messages": rows})
        assert answer.status_code < 300, answer.text

    changed = {"gateway_kind": "webhook", "gateway_url": other.there.url}
    await bob.owner.client.patch(f"/api/v1/agents/{bob.id}", json=changed)

    async def adopted() -> bool:
        return bool((await status_of(bob))["waiting"] == WAITING)

    await eventually(adopted, within=10)
