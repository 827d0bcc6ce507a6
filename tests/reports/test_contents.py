"""That the numbers of a report are right, and whose they are."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from sqlalchemy import insert, literal, select, union_all, update

from hubbub.items.models import Item
from hubbub.kit.db.statistics import spread
from hubbub.kit.ids import first_id_at, new_id
from hubbub.kit.resources import Resources
from hubbub.messages.models import Attempt, Delivery, Message
from hubbub.messages.types import AttemptOutcome, State
from tests.fixtures.people import Person
from tests.items.helpers import done, make
from tests.messages.conftest import MakeTalker, Talker
from tests.messages.helpers import room_of
from tests.reports.helpers import content


class TestActivity:
    async def test_admins_see_the_hub(self, admin: Person, alice: Talker, bob: Talker) -> None:
        for _ in range(3):
            await alice.send(bob)
        first = (await bob.send(alice, content="a secret")).json()
        await alice.send(bob, reply_to=first["id"])

        found = await content(admin)

        activity = found["activity"]
        assert (found["span"], found["made_for"]) == ("hub", found["made_for"])
        assert activity["totals"] == {
            "messages": 5,
            "senders": 2,
            "threads": 4,
            "rooms": 0,
            "deliveries": 5,
            "recipients": 2,
        }
        assert activity["agents"] == [
            {"agent": "alice", "sent": 4, "received": 1},
            {"agent": "bob", "sent": 1, "received": 4},
        ]
        assert activity["pairs"] == [
            {"sender": "alice", "recipient": "bob", "messages": 4},
            {"sender": "bob", "recipient": "alice", "messages": 1},
        ]
        assert activity["threads"] == [
            {"thread_id": first["thread_id"], "messages": 2, "senders": 2}
        ]
        assert "a secret" not in str(found)

    async def test_each_day_is_there(
        self, admin: Person, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        now = datetime.now(UTC)
        await alice.send(bob)
        await _move(hub, (await alice.send(bob)).json()["id"], now - timedelta(days=3))
        await _move(hub, (await alice.send(bob)).json()["id"], now - timedelta(days=9))

        found = (await content(admin))["activity"]

        days = [datetime.fromisoformat(each["day"]).date() for each in found["days"]]
        assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(days))
        assert (days[0], days[-1]) == ((now - timedelta(days=7)).date(), now.date())
        counts = {each["day"]: each["messages"] for each in found["days"] if each["messages"]}
        assert counts == {
            now.date().isoformat(): 1,
            (now - timedelta(days=3)).date().isoformat(): 1,
        }
        assert found["totals"]["messages"] == 2

    async def test_others_see_what_is_theirs(
        self, admin: Person, alice: Talker, bob: Talker, talkers: MakeTalker
    ) -> None:
        carol = await talkers("carol", admin)
        await alice.send(bob)
        await bob.send(alice)
        await bob.send(carol)
        withdrawn = (await bob.send(alice)).json()
        await bob.client.delete(f"/api/v1/messages/{withdrawn['id']}")

        owner, agent = await content(alice.owner), await content(alice)

        for each in (owner["activity"], agent["activity"]):
            assert each["totals"]["messages"] == 2
            assert each["agents"] == [{"agent": "alice", "sent": 1, "received": 1}]
            assert [pair["sender"] for pair in each["pairs"]] == ["alice", "bob"]
            assert "carol" not in str(each)
        assert (owner["span"], agent["made_for"]) == ("mine", "alice")
        assert (await content(bob.owner))["activity"]["totals"]["messages"] == 4

    async def test_rooms(self, admin: Person, alice: Talker) -> None:
        await room_of(alice)
        for _ in range(2):
            said = await alice.client.post(
                "/api/v1/messages", json={"to": ["room:ops"], "content": "hello"}
            )
            assert said.status_code == 201, said.text
        [room] = (await content(admin))["activity"]["rooms"]
        assert (room["messages"], room["senders"]) == (2, 1)


class TestDelivery:
    async def test_states_and_times(
        self, admin: Person, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        for seconds in range(1, 12):
            await _delivered(hub, (await alice.send(bob)).json()["id"], seconds)
        await _failed(hub, (await alice.send(bob)).json()["id"])
        await alice.send(bob)

        found = (await content(admin, "delivery"))["delivery"]

        assert found["total"] == 13
        assert found["states"] == {
            "queued": 1,
            "delivered": 11,
            "acked": 0,
            "failed": 1,
            "expired": 0,
            "withdrawn": 0,
        }
        assert found["success_rate"] == pytest.approx(11 / 12)
        took = found["until_delivered"]
        assert took["count"] == 11
        assert [took[point] for point in ("p50", "p90", "p99")] == pytest.approx(
            [6, 10, 10.9], abs=0.01
        )
        assert found["until_acked"] == {"count": 0, "p50": None, "p90": None, "p99": None}
        assert found["tries"] == [{"pushes": 0, "deliveries": 12}, {"pushes": 8, "deliveries": 1}]
        assert found["reasons"] == [{"reason": "server_error", "deliveries": 1}]
        assert found["gateways"] == [{"agent": "bob", "gateway": "none", "pushes": 2, "failed": 1}]
        today = found["days"][-1]
        assert (today["arrived"], today["failed"], today["others"]) == (11, 1, 1)

    async def test_gateways_of_others_are_their_business(
        self, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        await _failed(hub, (await alice.send(bob)).json()["id"])
        assert (await content(alice.owner, "delivery"))["delivery"]["gateways"] == []
        [gateway] = (await content(bob.owner, "delivery"))["delivery"]["gateways"]
        assert gateway["agent"] == "bob"

    async def test_a_hub_where_nothing_happened(self, admin: Person) -> None:
        found = (await content(admin, "delivery"))["delivery"]
        assert (found["total"], found["success_rate"], found["gateways"]) == (0, None, [])


class TestWork:
    async def test_items(self, admin: Person, alice: Talker, bob: Talker, hub: Resources) -> None:
        for number in range(3):
            item = await make(alice)
            claimed = await done(bob, item, "claim")
            if number < 2:
                await done(bob, item, "complete", fence=claimed["fence"])
                await _took(hub, item["id"], waiting=10 * (number + 1), working=100)
        await make(alice)

        found = (await content(admin, "work"))["work"]

        assert (found["created"], found["unfinished"]) == (4, 2)
        assert found["finished"] == {"done": 2, "failed": 0, "cancelled": 0}
        assert found["until_claimed"]["p50"] == pytest.approx(15, abs=0.01)
        assert found["from_claim_to_done"]["p99"] == pytest.approx(100, abs=0.01)
        assert found["until_done"]["p50"] == pytest.approx(115, abs=0.01)
        assert found["assignees"] == [{"agent": "bob", "done": 2, "failed": 0, "unfinished": 1}]
        assert sum(each["created"] for each in found["days"]) == 4

    async def test_of_others_nothing(self, alice: Talker, bob: Talker, talkers: MakeTalker) -> None:
        other = await talkers("other", bob.owner)
        await make(other)
        await make(alice)
        found = (await content(alice.owner, "work"))["work"]
        assert found["created"] == 1


@pytest.mark.parametrize("count", [1, 2, 5, 100])
async def test_percentiles_are_those_of_the_book(hub: Resources, count: int) -> None:
    squares = [select(literal(float(number * number)).label("value")) for number in range(count)]
    given = union_all(*squares).subquery()
    async with hub.database.read() as session:
        found = await spread(session, select(given.c.value), (0.0, 0.5, 0.9, 1.0))
    place = 0.9 * (count - 1)
    low = int(place)
    high = min(low + 1, count - 1)
    expected = low * low + (place - low) * (high * high - low * low)
    middle = (count - 1) / 2
    between = (int(middle) ** 2 + int(middle + 0.5) ** 2) / 2
    assert found.many == count
    assert found.points == pytest.approx([0.0, between, expected, float((count - 1) ** 2)])


async def _move(hub: Resources, message: str, at: datetime) -> None:
    was, now = UUID(message), first_id_at(at)
    async with hub.database.write() as session:
        await session.execute(
            update(Message).where(Message.id == was).values(id=now, created_at=at)
        )
        await session.execute(
            update(Delivery).where(Delivery.message_id == was).values(message_id=now, created_at=at)
        )


async def _delivered(hub: Resources, message: str, seconds: int) -> None:
    at = datetime.now(UTC)
    async with hub.database.write() as session:
        await session.execute(
            update(Delivery)
            .where(Delivery.message_id == UUID(message))
            .values(
                state=State.DELIVERED, created_at=at, delivered_at=at + timedelta(seconds=seconds)
            )
        )


async def _failed(hub: Resources, message: str) -> None:
    async with hub.database.write() as session:
        failed = (
            update(Delivery)
            .where(Delivery.message_id == UUID(message))
            .values(state=State.FAILED, attempts=8, reason="server_error")
            .returning(Delivery.recipient_id)
        )
        recipient = (await session.execute(failed)).scalar_one()
        for number, outcome in enumerate([AttemptOutcome.FAILED, AttemptOutcome.DELIVERED]):
            await session.execute(
                insert(Attempt).values(
                    id=new_id(),
                    message_id=UUID(message),
                    recipient_id=recipient,
                    number=number,
                    at=datetime.now(UTC),
                    outcome=outcome,
                )
            )


async def _took(hub: Resources, item: str, *, waiting: int, working: int) -> None:
    now = datetime.now(UTC) - timedelta(seconds=1)
    claimed = now - timedelta(seconds=working)
    async with hub.database.write() as session:
        await session.execute(
            update(Item)
            .where(Item.id == UUID(item))
            .values(
                created_at=claimed - timedelta(seconds=waiting), claimed_at=claimed, finished_at=now
            )
        )
