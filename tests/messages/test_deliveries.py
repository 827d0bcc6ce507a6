"""Deliveries by the page, and those that should have been acknowledged."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import update

from hubbub.kit.db.dialect import db_now
from hubbub.kit.ids import new_id
from hubbub.kit.pagination import write_cursor
from hubbub.kit.resources import Resources
from hubbub.messages.models import Delivery
from hubbub.messages.types import State, delivery_id, parse_delivery_id
from tests.messages.conftest import MakeTalker, Talker

DELIVERIES = "/api/v1/deliveries"
OVERDUE = "/api/v1/messages/overdue"


async def page(client: httpx2.AsyncClient, path: str = DELIVERIES, **params: Any) -> dict[str, Any]:
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def seqs(client: httpx2.AsyncClient, **params: Any) -> list[tuple[str, int]]:
    found = (await page(client, **params))["items"]
    return [(each["agent_id"], each["seq"]) for each in found]


class TestIds:
    def test_an_id_names_a_message_and_its_recipient(self) -> None:
        pair = (new_id(), new_id())

        assert delivery_id(*pair).startswith("dlv_")
        assert parse_delivery_id(delivery_id(*pair)) == pair

    @pytest.mark.parametrize("text", ["", "dlv_", "x", "dlv_é", "dlv_" + "A" * 42, "A" * 43])
    def test_what_was_not_given_out_names_nothing(self, text: str) -> None:
        assert parse_delivery_id(text) is None

    def test_one_spelling_alone(self) -> None:
        whole = delivery_id(UUID(int=0), UUID(int=0))

        assert parse_delivery_id(whole) is not None
        assert parse_delivery_id(f"{whole[:-1]}B") is None
        assert parse_delivery_id(f"{whole}=") is None

    async def test_it_stands_wherever_a_delivery_does(self, alice: Talker, bob: Talker) -> None:
        sent = (await alice.send(bob)).json()

        [listed] = (await page(alice.client, direction="outgoing"))["items"]
        of_message = await alice.client.get(f"/api/v1/messages/{sent['id']}/deliveries")

        assert [listed] == of_message.json()["items"]
        assert listed["id"] == delivery_id(UUID(sent["id"]), bob.id)


class TestListing:
    async def test_needs_a_credential(self, client: httpx2.AsyncClient) -> None:
        assert (await client.get(DELIVERIES)).status_code == 401
        assert (await client.get(OVERDUE)).status_code == 401

    async def test_each_sees_what_came_and_what_was_sent(
        self, alice: Talker, bob: Talker, talkers: MakeTalker
    ) -> None:
        carol = await talkers("carol", bob.owner)
        await alice.send(bob)
        await alice.send(bob, carol)
        await carol.send(alice)

        assert await seqs(bob.client) == [(str(bob.id), 2), (str(bob.id), 1)]
        assert await seqs(bob.client, direction="outgoing") == []
        assert len(await seqs(alice.client, direction="outgoing")) == 3
        assert len(await seqs(bob.owner.client)) == 3
        assert await seqs(bob.owner.client, agent=carol.id) == [(str(carol.id), 1)]
        assert await seqs(alice.owner.client, direction="outgoing", agent=carol.id) == [
            (str(carol.id), 1)
        ]
        assert await seqs(alice.client, direction="outgoing", agent=alice.id) == []

    async def test_by_state(self, alice: Talker, bob: Talker) -> None:
        for _ in range(3):
            await alice.send(bob)
        await bob.client.post(f"{bob.inbox}/ack", json={"up_to": 1})

        assert await seqs(bob.client, state="acked") == [(str(bob.id), 1)]
        assert len(await seqs(alice.client, direction="outgoing", state="queued")) == 2

    @pytest.mark.parametrize("direction", ["incoming", "outgoing"])
    async def test_pages_meet_without_gap_or_repetition(
        self, alice: Talker, bob: Talker, talkers: MakeTalker, direction: str
    ) -> None:
        mine = [await talkers(f"mine-{number}", bob.owner) for number in range(3)]
        for _ in range(3):
            await alice.send(bob, *mine)
        reader = bob.owner.client if direction == "incoming" else alice.client
        params: dict[str, Any] = {"limit": 5, "direction": direction}
        seen: list[str] = []

        while True:
            found = await page(reader, **params)
            seen += [each["id"] for each in found["items"]]
            if found["next_cursor"] is None:
                break
            params["cursor"] = found["next_cursor"]

        assert len(seen) == len(set(seen)) == 12
        pairs = [parse_delivery_id(each) for each in seen]
        assert pairs == sorted(pairs, key=lambda pair: pair or (), reverse=True)

    async def test_anothers_inbox_is_refused(self, alice: Talker, bob: Talker) -> None:
        answer = await alice.client.get(DELIVERIES, params={"agent": str(bob.id)})

        assert (answer.status_code, answer.json()["code"]) == (403, "not_your_participant")

    @pytest.mark.parametrize(
        "params", [{"direction": "sideways"}, {"state": "x"}, {"agent": "x"}, {"limit": 0}]
    )
    async def test_what_is_no_value_is_422(self, alice: Talker, params: dict[str, Any]) -> None:
        assert (await alice.client.get(DELIVERIES, params=params)).status_code == 422

    @pytest.mark.parametrize("path", [DELIVERIES, OVERDUE])
    @pytest.mark.parametrize(
        "cursor",
        [
            "x",
            write_cursor("deliveries.outgoing", UUID(int=1), UUID(int=2)),
            write_cursor("deliveries.incoming", UUID(int=1)),
            write_cursor("overdue.sender", "x", UUID(int=1), UUID(int=2)),
            write_cursor("overdue.sender", "2026-01-01T00:00:00", UUID(int=1), UUID(int=2)),
            write_cursor("overdue.recipient", datetime.now(UTC), UUID(int=1), UUID(int=2)),
        ],
    )
    async def test_a_cursor_of_something_else_is_refused(
        self, alice: Talker, path: str, cursor: str
    ) -> None:
        answer = await alice.client.get(path, params={"cursor": cursor})

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


class TestOverdue:
    @staticmethod
    async def send(hub: Resources, sender: Talker, *to: Talker, hours: float) -> str:
        """What should have been acknowledged so many hours ago."""
        soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        sent = (await sender.send(*to, ack_by=soon)).json()
        message_id: str = sent["id"]
        async with hub.database.write() as session:
            await session.execute(
                update(Delivery)
                .where(Delivery.message_id == UUID(message_id))
                .values(ack_by=db_now(-3600 * hours))
            )
        return message_id

    async def ids(self, client: httpx2.AsyncClient, **params: Any) -> list[str]:
        return [each["message_id"] for each in (await page(client, OVERDUE, **params))["items"]]

    async def test_the_longest_overdue_first_on_both_sides(
        self, alice: Talker, bob: Talker, talkers: MakeTalker, hub: Resources
    ) -> None:
        eve = await talkers("eve")
        one = await self.send(hub, alice, bob, hours=1)
        three = await self.send(hub, alice, bob, hours=3)
        two = await self.send(hub, alice, bob, hours=2)
        await self.send(hub, alice, bob, hours=-1)
        await alice.send(bob)

        for sender in (alice.client, alice.owner.client):
            assert await self.ids(sender) == [three, two, one]
            assert await self.ids(sender, role="recipient") == []
        for recipient in (bob.client, bob.owner.client):
            assert await self.ids(recipient, role="recipient") == [three, two, one]
            assert await self.ids(recipient) == []
        for role in ("sender", "recipient"):
            assert await self.ids(eve.client, role=role) == []

    @pytest.mark.parametrize("state", State)
    async def test_what_can_still_be_acknowledged_is_overdue(
        self, alice: Talker, bob: Talker, hub: Resources, state: State
    ) -> None:
        await self.send(hub, alice, bob, hours=1)
        async with hub.database.write() as session:
            await session.execute(update(Delivery).values(state=state))

        overdue = bool(await self.ids(alice.client))

        assert overdue is (state in {State.QUEUED, State.DELIVERED, State.FAILED})

    async def test_by_the_page_also_among_equals(
        self, alice: Talker, bob: Talker, talkers: MakeTalker, hub: Resources
    ) -> None:
        others = [await talkers(f"other-{number}") for number in range(3)]
        for hours in (1, 2):
            await self.send(hub, alice, bob, *others, hours=hours)
        params: dict[str, Any] = {"limit": 3}
        seen: list[str] = []

        while True:
            found = await page(alice.client, OVERDUE, **params)
            seen += [each["id"] for each in found["items"]]
            if found["next_cursor"] is None:
                break
            params["cursor"] = found["next_cursor"]

        assert len(seen) == len(set(seen)) == 8

    async def test_a_side_is_one_of_two(self, alice: Talker) -> None:
        assert (await alice.client.get(OVERDUE, params={"role": "x"})).status_code == 422
