"""Messages that are over at a time that their sender said."""

import asyncio
from datetime import UTC, datetime

from sqlalchemy import update

from hubbub.kit.db.dialect import db_now
from hubbub.kit.resources import Resources
from hubbub.messages.models import Delivery, Message
from hubbub.messages.service.expiry import expire
from hubbub.messages.types import State
from tests.fixtures.waiting import eventually
from tests.messages.conftest import MakeTalker, Talker
from tests.messages.helpers import (
    MESSAGES,
    ahead,
    count,
    heard,
    history,
    let_come_due,
    open_in,
    room_of,
    say,
    texts,
)


async def run_out(hub: Resources) -> None:
    """The time of all that is to expire has come."""
    async with hub.database.write() as session:
        for table in (Message, Delivery):
            await session.execute(
                update(table).where(table.expires_at.is_not(None)).values(expires_at=db_now(-1))
            )
    await expire(hub.database)


async def states(talker: Talker) -> list[str]:
    return [entry["state"] for entry in (await talker.read(limit=100))["items"]]


async def test_it_becomes_a_tombstone_within_three_seconds(
    alice: Talker, bob: Talker, hub: Resources
) -> None:
    over_at = ahead(seconds=0.6)
    await alice.send(bob, content="brief", expires_at=over_at)
    await alice.send(bob, content="lasting", expires_at=ahead(hours=1))
    before = await heard(bob)

    async def is_over() -> bool:
        return await heard(bob) == [None, "lasting"]

    await eventually(is_over)
    late = datetime.now(UTC) - datetime.fromisoformat(over_at)

    assert before == ["brief", "lasting"]
    assert 0 <= late.total_seconds() < 3
    assert (await states(bob), await open_in(hub, bob)) == (["expired", "queued"], 1)


async def test_what_is_acknowledged_stays_so_and_each_state_counts_right(
    alice: Talker, bob: Talker, talkers: MakeTalker, hub: Resources
) -> None:
    carol = await talkers("carol")
    for number in range(6):
        await alice.send(bob, carol, content=str(number), expires_at=ahead(hours=1))
    await alice.send(bob, content="lasting")
    await bob.client.post(f"{bob.inbox}/ack", json={"up_to": 2})
    await bob.client.post(f"{bob.inbox}/read", json={"up_to": 3})
    async with hub.database.write() as session:
        await session.execute(
            update(Delivery)
            .where(Delivery.recipient_id == bob.id, Delivery.seq == 4)
            .values(state=State.FAILED)
        )
        # whoever fails a delivery takes it out of the count
    before = await open_in(hub, bob)

    await run_out(hub)
    await run_out(hub)

    assert await states(bob) == ["acked", "acked", *["expired"] * 4, "queued"]
    assert before - await open_in(hub, bob) == 3
    assert (await states(carol), await open_in(hub, carol)) == (["expired"] * 6, 0)


async def test_an_ack_that_comes_too_late_changes_nothing(
    alice: Talker, bob: Talker, hub: Resources
) -> None:
    sent = (await alice.send(bob, expires_at=ahead(hours=1))).json()
    await run_out(hub)

    for act in ("ack", "read"):
        answer = await bob.client.post(f"{bob.inbox}/{act}", json={"ids": [sent["id"]]})
        assert answer.json() == {"marked": 0}
    assert (await states(bob), await open_in(hub, bob)) == (["expired"], 0)
    [delivery] = (await alice.client.get(f"{MESSAGES}/{sent['id']}/deliveries")).json()["items"]
    assert delivery["state"] == "expired"
    assert (await bob.client.get(f"{MESSAGES}/{sent['id']}")).status_code == 404


async def test_withdrawn_ones_stay_withdrawn(alice: Talker, bob: Talker, hub: Resources) -> None:
    sent = (await alice.send(bob, expires_at=ahead(hours=1))).json()
    await alice.client.delete(f"{MESSAGES}/{sent['id']}")

    await run_out(hub)

    assert (await states(bob), await open_in(hub, bob)) == (["withdrawn"], 0)


async def test_acks_and_expiry_at_once_count_each_entry_once(
    alice: Talker, bob: Talker, hub: Resources
) -> None:
    for number in range(40):
        await alice.send(bob, content=str(number), expires_at=ahead(hours=1))
    async with hub.database.write() as session:
        await session.execute(update(Delivery).values(expires_at=db_now(-1)))

    await asyncio.gather(
        expire(hub.database),
        *(bob.client.post(f"{bob.inbox}/ack", json={"up_to": up_to}) for up_to in (10, 40, 20)),
        expire(hub.database),
    )

    assert set(await states(bob)) <= {"acked", "expired"}
    assert await open_in(hub, bob) == 0


async def test_many_at_once(
    alice: Talker, bob: Talker, talkers: MakeTalker, hub: Resources
) -> None:
    carol = await talkers("carol")
    body = {"to": ["agent:bob", "agent:carol"], "content": "x", "expires_at": ahead(hours=1)}
    for _ in range(2):
        await alice.client.post(f"{MESSAGES}/batch", json={"messages": [body] * 400})

    await run_out(hub)

    assert await count(hub, "delivery WHERE state = 'expired'") == 1600
    assert [await open_in(hub, each) for each in (bob, carol)] == [0, 0]


async def test_in_a_room_its_place_is_left(
    alice: Talker, bob: Talker, talkers: MakeTalker, hub: Resources
) -> None:
    carol = await talkers("carol")
    room_id = await room_of(alice, bob, carol)
    sent = (await say(alice, "brief", expires_at=ahead(hours=1))).json()
    await say(alice, "lasting")
    await bob.client.post(f"{bob.inbox}/ack", json={"up_to": 1})

    await run_out(hub)

    assert texts(await history(carol, room_id)) == [None, "lasting"]
    assert (await heard(bob), await heard(carol)) == (["brief", "lasting"], [None, "lasting"])
    path = f"{MESSAGES}/{sent['id']}"
    seen = [(await each.client.get(path)).status_code for each in (alice, bob, carol)]
    assert seen == [200, 200, 404]


async def test_what_is_delivered_later_expires_too(
    alice: Talker, bob: Talker, hub: Resources
) -> None:
    times = {"deliver_at": ahead(hours=1), "expires_at": ahead(hours=2)}
    sent = (await alice.send(bob, **times)).json()
    await run_out(hub)
    await let_come_due(hub, sent["id"])

    async def is_over() -> bool:
        return await states(bob) == ["expired"]

    await eventually(is_over)
    assert await open_in(hub, bob) == 0


async def test_an_idle_hub_writes_nothing(alice: Talker, bob: Talker, hub: Resources) -> None:
    await alice.send(bob, expires_at=ahead(hours=1))
    if hub.database.turns is None:
        await expire(hub.database)
    else:
        async with hub.database.write() as session:
            await session.execute(update(Message).values(withdrawn_at=None))
            # whoever wanted to write now would wait for us
            async with asyncio.timeout(5):
                await asyncio.create_task(expire(hub.database))

    assert await states(bob) == ["queued"]
