import asyncio
from uuid import uuid4

import pytest
from fastapi import FastAPI

from tests.fixtures.waiting import eventually
from tests.messages.conftest import MakeTalker, Talker

MESSAGES = "/api/v1/messages"


class TestReading:
    async def test_in_order_and_without_gaps_also_from_many_senders_at_once(
        self, alice: Talker, bob: Talker, talkers: MakeTalker
    ) -> None:
        others = [await talkers(f"sender-{number}") for number in range(4)]

        await asyncio.gather(
            *(each.send(bob, content=str(n)) for each in [alice, *others] for n in range(10))
        )
        page = await bob.read(limit=100)

        assert [entry["seq"] for entry in page["items"]] == list(range(1, 51))
        assert (page["first_seq"], page["last_seq"]) == (1, 50)

    async def test_pages_follow_each_other_by_cursor(self, alice: Talker, bob: Talker) -> None:
        for number in range(5):
            await alice.send(bob, content=str(number))
        seen: list[str] = []
        cursor = None

        while len(seen) < 5:
            page = await bob.read(limit=2, **({"after": cursor} if cursor else {}))
            seen += [entry["message"]["content"] for entry in page["items"]]
            cursor = page["next_cursor"]
        empty = await bob.read(after=cursor)

        assert seen == ["0", "1", "2", "3", "4"]
        assert (empty["items"], empty["next_cursor"]) == ([], cursor)

    @pytest.mark.parametrize("cursor", ["99", "other:1", "zzzzzzzz:0"])
    async def test_a_cursor_of_another_history_is_reset_aloud(
        self, alice: Talker, bob: Talker, cursor: str
    ) -> None:
        await alice.send(bob)

        answer = await bob.client.get(bob.inbox, params={"after": cursor})

        assert (answer.status_code, answer.json()["code"]) == (409, "cursor_reset")
        reset = answer.json()["reset"]
        assert (reset["first_seq"], reset["last_seq"]) == (1, 1)
        assert reset["reason"] in {"after_the_last", "another_epoch"}

    @pytest.mark.parametrize("cursor", ["x", "-1", "1:2:3", "A:1", "1" * 40, ""])
    async def test_a_garbled_cursor_is_422(self, bob: Talker, cursor: str) -> None:
        answer = await bob.client.get(bob.inbox, params={"after": cursor})

        assert answer.status_code == 422

    async def test_headers_alone_have_no_bodies(self, alice: Talker, bob: Talker) -> None:
        await alice.send(bob, content="secret")

        entry = (await bob.read(view="headers"))["items"][0]

        assert entry["message"]["size"] == 6
        assert "content" not in entry["message"]

    async def test_reading_changes_nothing(self, alice: Talker, bob: Talker) -> None:
        await alice.send(bob)

        pages = [await bob.read() for _ in range(2)]

        assert pages[0] == pages[1]
        assert pages[0]["items"][0]["state"] == "queued"

    async def test_the_owner_reads_it_too_and_nobody_else(self, alice: Talker, bob: Talker) -> None:
        await alice.send(bob)

        owner = await bob.owner.client.get(bob.inbox)
        other = await alice.client.get(bob.inbox)
        unknown = await alice.client.get(f"/api/v1/agents/{uuid4()}/inbox")

        assert len(owner.json()["items"]) == 1
        assert (other.status_code, unknown.status_code) == (403, 403)


class TestWaiting:
    async def test_is_woken_by_the_next_message(self, alice: Talker, bob: Talker) -> None:
        waiting = asyncio.create_task(bob.read(wait=30))
        await asyncio.sleep(0)

        async with asyncio.timeout(10):
            await alice.send(bob)
            page = await waiting

        assert page["items"][0]["seq"] == 1

    async def test_ends_with_an_empty_page(self, bob: Talker) -> None:
        page = await bob.read(wait=0.05)

        assert (page["items"], page["last_seq"]) == ([], 0)

    async def test_what_is_there_is_not_waited_for(self, alice: Talker, bob: Talker) -> None:
        await alice.send(bob)

        async with asyncio.timeout(10):
            page = await bob.read(wait=60)

        assert len(page["items"]) == 1

    async def test_who_loses_the_credential_while_waiting_is_shown_nothing(
        self, alice: Talker, bob: Talker, app: FastAPI
    ) -> None:
        async def is_waiting() -> bool:
            return str(bob.id) in app.state.messages.watch._listeners

        waiting = asyncio.create_task(bob.client.get(bob.inbox, params={"wait": 30}))
        await eventually(is_waiting)
        async with asyncio.timeout(10):
            rotated = await bob.owner.client.post(
                f"/api/v1/agents/{bob.id}/key", json={"overlap_seconds": 0}
            )
            await alice.send(bob, content="not for who had the key")
            answer = await waiting

        assert rotated.status_code == 201
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


class TestMarking:
    async def test_reading_and_acknowledging_are_apart_and_the_sender_sees_both(
        self, alice: Talker, bob: Talker
    ) -> None:
        sent = (await alice.send(bob)).json()
        path = f"{MESSAGES}/{sent['id']}"

        async def state() -> tuple[str, bool, bool]:
            delivery = (await alice.client.get(f"{path}/deliveries")).json()["items"][0]
            message = (await alice.client.get(path)).json()
            return delivery["state"], delivery["read_at"] is not None, message["delivered"]

        before = await state()
        await bob.client.post(f"{bob.inbox}/read", json={"ids": [sent["id"]]})
        read = await state()
        await bob.client.post(f"{bob.inbox}/ack", json={"up_to": 1})
        acked = await state()

        assert before == ("queued", False, False)
        assert read == ("delivered", True, True)
        assert acked == ("acked", True, True)

    async def test_doing_it_again_changes_nothing(self, alice: Talker, bob: Talker) -> None:
        for _ in range(3):
            await alice.send(bob)

        marked = [
            (await bob.client.post(f"{bob.inbox}/{act}", json={"up_to": 2})).json()["marked"]
            for act in ("ack", "ack", "read", "read")
        ]
        count = (await bob.client.get(f"{bob.inbox}/count")).json()

        assert marked == [2, 0, 2, 0]
        assert count == {"total": 3, "unread": 1, "open": 1, "last_seq": 3}

    async def test_others_mark_nothing(self, alice: Talker, bob: Talker) -> None:
        await alice.send(bob)

        for act in ("ack", "read"):
            answer = await alice.client.post(f"{bob.inbox}/{act}", json={"up_to": 1})
            assert answer.status_code == 403

    @pytest.mark.parametrize("body", [{}, {"up_to": 0}, {"ids": []}, {"up_to": 1, "ids": ["x"]}])
    async def test_marking_says_what(self, bob: Talker, body: dict[str, object]) -> None:
        assert (await bob.client.post(f"{bob.inbox}/ack", json=body)).status_code == 422


class TestWithdrawing:
    async def test_takes_it_from_those_who_have_it_not(
        self, alice: Talker, bob: Talker, talkers: MakeTalker
    ) -> None:
        carol = await talkers("carol")
        sent = (await alice.send(bob, carol)).json()
        await bob.client.post(f"{bob.inbox}/ack", json={"up_to": 1})

        answer = await alice.client.delete(f"{MESSAGES}/{sent['id']}")
        again = await alice.client.delete(f"{MESSAGES}/{sent['id']}")

        states = {each["agent_id"]: each["state"] for each in answer.json()["items"]}
        assert states == {str(bob.id): "acked", str(carol.id): "withdrawn"}
        assert (again.status_code, again.json()["code"]) == (409, "not_withdrawable")
        entry = (await carol.read())["items"][0]
        assert (entry["seq"], entry["state"], entry["message"]) == (1, "withdrawn", None)

    async def test_is_the_senders_to_do(self, alice: Talker, bob: Talker) -> None:
        sent = (await alice.send(bob)).json()

        by_recipient = await bob.client.delete(f"{MESSAGES}/{sent['id']}")
        by_owner = await alice.owner.client.delete(f"{MESSAGES}/{sent['id']}")

        assert (by_recipient.status_code, by_owner.status_code) == (403, 200)


async def test_a_message_is_invisible_to_others(
    alice: Talker, bob: Talker, talkers: MakeTalker
) -> None:
    sent = (await alice.send(bob)).json()
    carol = await talkers("carol")

    for path in ("", "/thread", "/deliveries"):
        answer = await carol.client.get(f"{MESSAGES}/{sent['id']}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "message_not_found")
