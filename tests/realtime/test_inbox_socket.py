import asyncio
from typing import Any

from fastapi import FastAPI

from tests.messages.conftest import MakeTalker, Talker
from tests.realtime.conftest import Dial, inbox_of, key_of


def seqs(entries: list[dict[str, Any]]) -> list[int]:
    return [entry["seq"] for entry in entries]


class TestFollowing:
    async def test_what_is_there_and_what_comes(
        self, dial: Dial, alice: Talker, bob: Talker
    ) -> None:
        for number in range(3):
            await alice.send(bob, content=f"old {number}")
        line = await dial(inbox_of(bob), key_of(bob))
        old = await line.entries(3)

        await alice.send(bob, content="new", metadata={"a": [1]}, content_type="text/markdown")
        new = await line.next("message")
        page = await bob.read()

        assert seqs([*old, new]) == [1, 2, 3, 4]
        # from memory it looks as from the tables
        assert new["message"] == page["items"][3]["message"]
        assert [entry["message"] for entry in old] == [i["message"] for i in page["items"][:3]]
        assert new["cursor"] == page["next_cursor"]
        assert new["state"] == "queued"

    async def test_a_cursor_goes_on_where_it_stands(
        self, dial: Dial, alice: Talker, bob: Talker
    ) -> None:
        for number in range(5):
            await alice.send(bob, content=str(number))
        cursor = (await bob.read(limit=2))["next_cursor"]

        line = await dial(inbox_of(bob, after=cursor), key_of(bob))

        assert [entry["message"]["content"] for entry in await line.entries(3)] == ["2", "3", "4"]

    async def test_more_than_a_page(self, dial: Dial, alice: Talker, bob: Talker) -> None:
        rows = [{"to": ["agent:bob"], "content": str(number)} for number in range(450)]
        await alice.client.post("/api/v1/messages/batch", json={"messages": rows})

        line = await dial(inbox_of(bob), key_of(bob))

        assert seqs(await line.entries(450)) == list(range(1, 451))

    async def test_a_flood_while_connecting_leaves_no_gap(
        self, dial: Dial, talkers: MakeTalker, bob: Talker
    ) -> None:
        senders = [await talkers(f"sender-{number}") for number in range(4)]
        await senders[0].send(bob)

        async def flood(sender: Talker) -> None:
            for number in range(60):
                await sender.send(bob, content=str(number))

        async with asyncio.TaskGroup() as group:
            for sender in senders:
                group.create_task(flood(sender))
            lines = [await dial(inbox_of(bob), key_of(bob)) for _ in range(5)]

        for line in lines:
            assert seqs(await line.entries(241)) == list(range(1, 242))
            assert await line.is_silent()

    async def test_every_socket_of_an_agent_gets_all(
        self, dial: Dial, alice: Talker, bob: Talker
    ) -> None:
        lines = [await dial(inbox_of(bob), key_of(bob)) for _ in range(2)]

        await alice.send(bob)

        assert [(await line.next("message"))["seq"] for line in lines] == [1, 1]

    async def test_reading_live_changes_nothing(
        self, dial: Dial, alice: Talker, bob: Talker
    ) -> None:
        line = await dial(inbox_of(bob), key_of(bob))
        await alice.send(bob)
        await line.next("message")

        entry = (await bob.read())["items"][0]

        assert (entry["state"], entry["read_at"]) == ("queued", None)

    async def test_withdrawn_entries_keep_their_place(
        self, dial: Dial, alice: Talker, bob: Talker
    ) -> None:
        sent = (await alice.send(bob)).json()
        await alice.send(bob, content="stays")
        await alice.client.delete(f"/api/v1/messages/{sent['id']}")

        line = await dial(inbox_of(bob), key_of(bob))
        first, second = await line.entries(2)

        assert (first["seq"], first["state"], first["message"]) == (1, "withdrawn", None)
        assert second["message"]["content"] == "stays"


class TestReset:
    async def test_cursors_of_nothing_that_is_kept_are_told_so(
        self, dial: Dial, alice: Talker, bob: Talker
    ) -> None:
        await alice.send(bob)
        epoch = (await bob.read())["epoch"]

        for cursor, reason in {
            "0123abcd:1": "another_epoch",
            f"{epoch}:7": "after_the_last",
        }.items():
            line = await dial(inbox_of(bob, after=cursor), key_of(bob))
            reset = await line.next()

            assert reset == {
                "type": "reset",
                "epoch": epoch,
                "first_seq": 1,
                "last_seq": 1,
                "reason": reason,
            }
            assert (await line.next("message"))["seq"] == 1

    async def test_a_cursor_that_is_none_is_refused(self, dial: Dial, bob: Talker) -> None:
        line = await dial(inbox_of(bob, after="yesterday"), key_of(bob), hello=False)

        assert (await line.closed())[0] == 4400


class TestHints:
    async def test_without_any_each_entry_is_seen_within_three_seconds(
        self, app: FastAPI, dial: Dial, alice: Talker, bob: Talker
    ) -> None:
        line = await dial(inbox_of(bob), key_of(bob))
        app.state.messages.watch._tell = lambda *_: None  # nobody is told of what is stored
        await alice.send(bob)
        del app.state.messages.watch._tell

        async with asyncio.timeout(3):
            assert (await line.next("message"))["seq"] == 1
