"""Two who think that a lane is theirs: only one of them is heard."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from sqlalchemy import update

from hubbub.kit.db.dialect import db_now
from hubbub.kit.resources import Resources
from hubbub.messages.dispatch.dispatcher import Dispatcher
from hubbub.messages.models import Lane
from hubbub.messages.state import MessageState
from hubbub.messages.writer.open import open_store
from tests.fixtures.elsewhere import says
from tests.fixtures.waiting import eventually
from tests.messages.conftest import Talker
from tests.messages.dispatch.conftest import (
    MakeGateway,
    deliveries,
    first,
    status_of,
    until_all,
    when,
)


@pytest.fixture
async def two(app: FastAPI, hub: Resources) -> AsyncIterator[list[Dispatcher]]:
    """In place of the hub's own one."""
    messages: MessageState = app.state.messages
    await messages.dispatcher.stop()
    made = [
        Dispatcher(hub, open_store(hub.settings, hub.database), messages.writer) for _ in range(2)
    ]
    yield made
    for each in made:
        await each.stop()


async def end_leases(hub: Resources) -> None:
    """As if their time had passed."""
    async with hub.database.write() as session:
        await session.execute(update(Lane).values(lease_until=db_now(-1), due_at=db_now(-1)))


async def test_who_stalls_past_the_lease_is_not_heard_any_more(
    alice: Talker, gateways: MakeGateway, hub: Resources, two: list[Dispatcher]
) -> None:
    opened = asyncio.Event()
    bob = await gateways("bob", first(1, when(opened, says(401)), says(200)))
    await alice.send(bob.agent)
    stalled, other = two
    await stalled._turn()
    await bob.has_received(1)
    await end_leases(hub)
    other.start()
    await until_all(bob.agent, "delivered", 1)

    opened.set()

    async def ended() -> bool:
        return bool(stalled._ended)

    await eventually(ended)
    await stalled._turn()
    status = await status_of(bob.agent)
    assert (status["paused"], status["failures"]) == (False, 0)
    [delivery] = await deliveries(bob.agent)
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 1)
    # one attempt twice is all that a lost lease can lead to
    assert len({each.headers["webhook-id"] for each in bob.received}) == 1
    assert len(bob.received) == 2


async def test_a_lane_that_is_taken_is_left_alone(
    alice: Talker, gateways: MakeGateway, two: list[Dispatcher]
) -> None:
    opened = asyncio.Event()
    bob = await gateways("bob", when(opened, says(200)), max_in_flight=1)
    for _ in range(3):
        await alice.send(bob.agent)
    for each in two:
        each.start()
    await bob.has_received(1)
    other = await gateways("other")
    await alice.send(other.agent)
    await until_all(other.agent, "delivered", 1)
    opened.set()
    await until_all(bob.agent, "delivered", 3)
    assert (len(bob.received), bob.most_at_work) == (3, 1)


async def test_a_lane_is_let_go_of_at_the_end(
    alice: Talker, gateways: MakeGateway, two: list[Dispatcher]
) -> None:
    bob = await gateways("bob", first(1, when(asyncio.Event(), says(200)), says(200)))
    await alice.send(bob.agent)
    one, other = two
    one.start()
    await bob.has_received(1)
    await one.stop()
    other.start()
    # long before the lease would have ended
    await until_all(bob.agent, "delivered", 1, within=1.5)


async def test_a_lease_is_renewed_as_long_as_a_post_goes_on(
    alice: Talker, gateways: MakeGateway, two: list[Dispatcher]
) -> None:
    """The lease of this hub is two seconds. Others keep it busy all the while."""
    opened = asyncio.Event()
    bob, other = await gateways("bob", when(opened, says(200))), await gateways("other")
    await alice.send(bob.agent)
    for each in two:
        each.start()
    await bob.has_received(1)
    asyncio.get_running_loop().call_later(5, opened.set)
    while not opened.is_set():
        await alice.send(other.agent)
    await until_all(bob.agent, "delivered", 1)
    assert len(bob.received) == 1


async def test_a_lane_whose_lease_has_ended_unseen_is_not_taken_a_second_time(
    alice: Talker, gateways: MakeGateway, hub: Resources, two: list[Dispatcher]
) -> None:
    opened = asyncio.Event()
    bob = await gateways("bob", when(opened, says(200)))
    carol = await gateways("carol", says(200))
    await alice.send(bob.agent)
    dispatcher, _ = two
    await dispatcher._turn()
    await bob.has_received(1)
    await end_leases(hub)
    await alice.send(carol.agent)

    # it knows of something new, and hasn't looked after what it has
    dispatcher.ring()
    await dispatcher._turn()
    await carol.has_received(1)
    dispatcher.start()
    opened.set()
    await until_all(bob.agent, "delivered", 1)

    assert len(bob.received) == 1
