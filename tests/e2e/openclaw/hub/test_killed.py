"""A hub that dies while a gateway has its push in hand, and comes back."""

import asyncio

import pytest

from tests.e2e.openclaw.gateway import PATIENCE, Gateway
from tests.e2e.openclaw.posting import Poster, fresh
from tests.faults.conftest import workplace
from tests.faults.processes import Workplace
from tests.faults.storm import SETTINGS
from tests.faults.test_pushes import admin_of
from tests.fixtures.waiting import eventually

__all__ = ["workplace"]

pytestmark = pytest.mark.openclaw


async def test_what_it_pushes_again_is_run_once(
    gateway: Gateway, post: Poster, workplace: Workplace
) -> None:
    workplace.env |= SETTINGS | {
        "HUBBUB_DELIVERY__LEASE_SECONDS": "2",
        # it stands in the text, by which a gateway knows a repetition; the port is another one
        "HUBBUB_SITE_URL": "http://hub.example.com",
    }
    session, first, second = fresh("hook:hub"), fresh("first"), fresh("second")
    new = {
        "name": "bob",
        "gateway_kind": "openclaw",
        "gateway_url": gateway.url,
        "gateway_token": gateway.token,
        "session_key": session,
    }
    async with gateway.model.hanging():
        with workplace.serving() as hub:
            async with admin_of(hub) as client:
                assert (await client.post("/api/v1/agents", json=new)).status_code == 201
                for text in (first, second):
                    said = {"to": ["agent:bob"], "content": text}
                    answer = await client.post("/api/v1/messages", json=said)
                    assert answer.status_code == 201, answer.text
                await gateway.model.asked(first)

                async def second_is_in_hand() -> bool:
                    listed = await client.get(
                        "/api/v1/deliveries", params={"direction": "outgoing"}
                    )
                    return [each["state"] for each in listed.json()["items"]] == [
                        "queued",
                        "delivered",
                    ]

                # the session is busy: the gateway keeps the second one waiting for an answer
                await eventually(second_is_in_hand, within=PATIENCE)
            hub.process.kill()
            await asyncio.to_thread(hub.process.wait)

    with workplace.serving() as hub:
        async with admin_of(hub) as client:

            async def delivered() -> bool:
                listed = await client.get("/api/v1/deliveries", params={"direction": "outgoing"})
                return {each["state"] for each in listed.json()["items"]} == {"delivered"}

            await eventually(delivered, within=PATIENCE)
    await post.settled(gateway, session)
    assert [gateway.model.times(text) for text in (first, second)] == [1, 1]
