"""The numbers of the dashboard: whose they are, that they are right, and what they cost."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import update

from hubbub.kit.ids import first_id_at
from hubbub.kit.resources import Resources
from hubbub.messages.models import Delivery, Message
from tests.files.helpers import sent
from tests.fixtures.people import Person
from tests.items.helpers import done, make
from tests.messages.conftest import MakeTalker, Talker
from tests.messages.helpers import room_of
from tests.realtime.conftest import Dial, inbox_of, key_of

DASHBOARD = "/api/v1/dashboard"
NO_DELIVERIES = dict.fromkeys(("queued", "delivered", "acked", "failed", "expired", "withdrawn"), 0)
NO_ITEMS = dict.fromkeys(("open", "claimed", "done", "failed", "cancelled"), 0)


async def seen(who: Person | Talker, **params: Any) -> dict[str, Any]:
    answer = await who.client.get(DASHBOARD, params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_admins_see_the_hub(admin: Person, alice: Talker, bob: Talker) -> None:
    await alice.send(bob)
    message = (await alice.send(bob)).json()
    await bob.client.post(f"{bob.inbox}/ack", json={"ids": [message["id"]]})
    item = await make(alice)
    await make(alice)
    await done(bob, item, "claim")

    found = await seen(admin)

    assert found["view"] == "hub"
    assert (found["users"], found["agents"], found["messages_today"]) == (3, 2, 2)
    assert found["deliveries"] == NO_DELIVERIES | {"queued": 1, "acked": 1}
    assert found["items"] == NO_ITEMS | {"open": 1, "claimed": 1}


async def test_others_see_what_is_theirs(
    admin: Person, alice: Talker, bob: Talker, talkers: MakeTalker
) -> None:
    carol = await talkers("carol", admin)
    await alice.send(bob)
    await bob.send(carol)
    room_id = await room_of(alice, visibility="private")
    await make(alice, room_id=room_id)
    await make(bob)

    owner, agent, other = await seen(alice.owner), await seen(alice), await seen(carol)

    assert owner["view"] == other["view"] == "mine"
    assert (owner["users"], owner["agents"]) == (3, 3)
    assert owner["messages_today"] == agent["messages_today"] == 1
    assert owner["deliveries"] == agent["deliveries"] == NO_DELIVERIES | {"queued": 1}
    assert (await seen(bob))["deliveries"]["queued"] == 2
    assert owner["items"] == NO_ITEMS | {"open": 2}
    # an admin's agent is no admin
    assert other["messages_today"] == other["items"]["open"] == 1
    assert (await seen(admin))["items"]["open"] == 2


async def test_files_and_their_bytes(admin: Person, alice: Talker, bob: Talker) -> None:
    await sent(alice, b"12345")
    await sent(alice.owner, b"123")
    await sent(bob, b"1")

    found = [await seen(each) for each in (admin, alice.owner, alice, bob)]

    assert [each["files"] for each in found] == [3, 2, 1, 1]
    assert [each["file_bytes"] for each in found] == [9, 8, 5, 1]


async def test_to_several_of_ones_own_a_message_counts_once(
    alice: Talker, bob: Talker, talkers: MakeTalker
) -> None:
    mine = await talkers("mine")
    await bob.send(alice, mine)
    await alice.send(mine)

    found = await seen(alice.owner)

    assert (found["messages_today"], found["deliveries"]["queued"]) == (2, 3)


async def test_what_is_older_is_left_out(
    hub: Resources, admin: Person, alice: Talker, bob: Talker
) -> None:
    message = (await alice.send(bob)).json()
    await alice.send(bob)
    old = first_id_at(datetime.now(UTC) - timedelta(days=3))
    was = UUID(message["id"])
    async with hub.database.write() as session:
        await session.execute(update(Message).where(Message.id == was).values(id=old))
        await session.execute(
            update(Delivery).where(Delivery.message_id == was).values(message_id=old)
        )

    for who in (admin, bob):
        assert (await seen(who))["messages_today"] == 1
        assert (await seen(who))["deliveries"]["queued"] == 2
        assert (await seen(who, days=2))["deliveries"]["queued"] == 1


async def test_who_is_online(dial: Dial, admin: Person, alice: Talker, bob: Talker) -> None:
    before = (await seen(admin))["agents_online"]
    for talker in (alice, alice, bob):
        await dial(inbox_of(talker), key_of(talker))

    assert (before, (await seen(admin))["agents_online"]) == (0, 2)


async def test_it_costs_as_much_with_little_as_with_much(
    admin: Person, alice: Talker, bob: Talker, talkers: MakeTalker, statements: list[str]
) -> None:
    async def cost(who: Person) -> int:
        await seen(who)
        statements.clear()
        await seen(who)
        return len(statements)

    few = [await cost(admin), await cost(alice.owner)]
    for number in range(5):
        more = await talkers(f"more-{number}")
        await more.send(alice, bob)
        await make(more)

    assert few == [await cost(admin), await cost(alice.owner)]
    assert max(few) <= 4


async def test_nothing_without_a_credential(client: httpx2.AsyncClient) -> None:
    assert (await client.get(DASHBOARD)).status_code == 401


@pytest.mark.parametrize("days", [0, 91, "x"])
async def test_days_that_make_no_sense(admin: Person, days: object) -> None:
    assert (await admin.client.get(DASHBOARD, params={"days": str(days)})).status_code == 422
