"""Reading a room by cursor, and finding what was said in it."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from fastapi import FastAPI

from tests.fixtures.people import Person
from tests.messages.conftest import MakeTalker, Talker
from tests.messages.helpers import (
    MESSAGES,
    ROOMS,
    act,
    history,
    join,
    numbers,
    refusal,
    room_of,
    say,
    texts,
)


async def said(talker: Talker, *contents: str, room: str = "ops") -> None:
    for content in contents:
        assert (await say(talker, content, room=room)).status_code == 201


class TestPaging:
    async def test_forwards_by_cursor(self, alice: Talker, bob: Talker) -> None:
        room_id = await room_of(alice, bob)
        await said(alice, *"abcde")
        seen: list[str | None] = []
        cursor = None

        while len(seen) < 5:
            page = await history(bob, room_id, limit=2, **({"after": cursor} if cursor else {}))
            seen += texts(page)
            cursor = page["next_cursor"]
        end = await history(bob, room_id, after=cursor)

        assert seen == list("abcde")
        assert (end["items"], end["next_cursor"]) == ([], cursor)
        assert cursor == f"{end['epoch']}:5"
        bare = await history(bob, room_id, after="3")
        assert texts(bare) == ["d", "e"]

    async def test_backwards_from_the_end(self, alice: Talker, bob: Talker) -> None:
        room_id = await room_of(alice, bob)
        await said(alice, *"abcde")
        pages = []
        before: str | None = "end"

        while before is not None:
            page = await history(bob, room_id, limit=2, before=before)
            pages.append(texts(page))
            before = page["previous_cursor"]
        between = await history(bob, room_id, after="1", before="4")

        assert pages == [["d", "e"], ["b", "c"], ["a"]]
        assert texts(between) == ["b", "c"]

    async def test_an_empty_room_has_numbers_too(self, alice: Talker) -> None:
        room_id = await room_of(alice)

        for params in ({}, {"before": "end"}):
            page = await history(alice, room_id, **params)
            assert (page["items"], page["first_seq"], page["last_seq"]) == ([], 1, 0)
            assert (page["next_cursor"], page["previous_cursor"]) == (f"{page['epoch']}:0", None)

    @pytest.mark.parametrize("name", ["after", "before"])
    async def test_a_cursor_of_another_history_is_reset_aloud(
        self, alice: Talker, name: str
    ) -> None:
        room_id = await room_of(alice)
        await said(alice, "one")

        for cursor, reason in (("2", "after_the_last"), ("zzz:1", "another_epoch")):
            answer = await alice.client.get(f"{ROOMS}/{room_id}/messages", params={name: cursor})
            assert refusal(answer) == (409, "cursor_reset")
            reset = answer.json()["reset"]
            assert (reset["first_seq"], reset["last_seq"], reset["reason"]) == (1, 1, reason)

    async def test_a_cursor_before_what_one_may_read_is_reset_too(
        self, alice: Talker, bob: Talker
    ) -> None:
        room_id = await room_of(alice, visibility="private", history="joined")
        await said(alice, "one", "two")
        await join(bob, room_id, invited_by=alice)
        await said(alice, "three")

        first = await history(bob, room_id)
        back = await history(bob, room_id, before="end", limit=1)
        answer = await bob.client.get(f"{ROOMS}/{room_id}/messages", params={"after": "1"})

        assert (texts(first), first["first_seq"], numbers(first)) == (["three"], 3, [3])
        assert back["previous_cursor"] is None
        assert refusal(answer) == (409, "cursor_reset")
        assert answer.json()["reset"]["reason"] == "before_the_first"

    @pytest.mark.parametrize(
        "params",
        [
            {"after": "x"},
            {"before": "begin"},
            {"after": "-1"},
            {"limit": 0},
            {"limit": 101},
            {"wait": 61},
            {"after": "end"},
        ],
    )
    async def test_what_is_no_value_is_422(
        self, alice: Talker, params: dict[str, str | int]
    ) -> None:
        room_id = await room_of(alice)

        answer = await alice.client.get(f"{ROOMS}/{room_id}/messages", params=params)

        assert answer.status_code == 422


class TestWho:
    async def test_members_and_their_owners(
        self, alice: Talker, bob: Talker, client: httpx2.AsyncClient
    ) -> None:
        room_id = await room_of(alice, bob)
        await said(alice, "one")

        for reader in (bob.client, bob.owner.client, alice.owner.client):
            answer = await reader.get(f"{ROOMS}/{room_id}/messages")
            assert texts(answer.json()) == ["one"]
        assert (await client.get(f"{ROOMS}/{room_id}/messages")).status_code == 401

    async def test_a_room_that_one_sees_and_is_not_in_is_403_and_any_other_404(
        self, alice: Talker, bob: Talker, admin: Person
    ) -> None:
        public = await room_of(alice)
        private = await room_of(alice, name="secret", visibility="private")

        async def ask(reader: httpx2.AsyncClient, room_id: object) -> tuple[int, str]:
            return refusal(await reader.get(f"{ROOMS}/{room_id}/messages"))

        assert await ask(bob.client, public) == (403, "not_in_room")
        assert await ask(bob.client, private) == (404, "room_not_found")
        assert await ask(bob.client, uuid4()) == (404, "room_not_found")
        # admins see that it is there
        assert await ask(admin.client, private) == (403, "not_in_room")

    async def test_reading_changes_nothing(self, alice: Talker, bob: Talker) -> None:
        room_id = await room_of(alice, bob)
        await said(alice, "one")

        pages = [await history(bob, room_id) for _ in range(2)]

        assert pages[0] == pages[1]
        assert (await bob.read())["items"][0]["state"] == "queued"


class TestWaiting:
    async def test_ends_when_something_is_said(self, alice: Talker, bob: Talker) -> None:
        room_id = await room_of(alice, bob)
        waiting = asyncio.create_task(history(bob, room_id, wait=30))
        await asyncio.sleep(0)

        async with asyncio.timeout(10):
            await said(alice, "one")
            page = await waiting

        assert texts(page) == ["one"]

    async def test_ends_for_who_has_left(self, alice: Talker, bob: Talker) -> None:
        room_id = await room_of(alice, bob)
        path = f"{ROOMS}/{room_id}/messages"
        waiting = asyncio.create_task(bob.client.get(path, params={"wait": 30}))
        await asyncio.sleep(0)

        async with asyncio.timeout(10):
            await act(bob, room_id, "leave")
            await said(alice, "behind his back")
            answer = await waiting

        assert refusal(answer) == (403, "not_in_room")

    async def test_ends_with_an_empty_page(self, alice: Talker) -> None:
        room_id = await room_of(alice)

        for params in ({"wait": 0.05}, {"wait": 60, "before": "end"}):
            async with asyncio.timeout(10):
                assert (await history(alice, room_id, **params))["items"] == []


class TestListing:
    async def listed(self, client: httpx2.AsyncClient, **params: Any) -> list[str]:
        answer = await client.get(MESSAGES, params=params)
        assert answer.status_code == 200, answer.text
        return [each["content"] for each in answer.json()["items"]]

    async def test_all_that_a_member_may_read_newest_first(
        self, alice: Talker, bob: Talker
    ) -> None:
        room_id = await room_of(alice)
        await alice.send(bob, content="aside")
        await said(alice, *"abc")
        outside = await self.listed(bob.client, room=room_id)
        await join(bob, room_id)
        await said(bob, *"de")
        seen: list[str] = []
        params: dict[str, Any] = {"room": room_id, "limit": 2}

        while True:
            page = (await bob.client.get(MESSAGES, params=params)).json()
            seen += [each["content"] for each in page["items"]]
            if page["next_cursor"] is None:
                break
            params["cursor"] = page["next_cursor"]

        assert outside == []
        assert seen == list("edcba")
        assert await self.listed(bob.client, room=room_id, agent=bob.id) == ["e", "d"]
        assert await self.listed(bob.client, room=uuid4()) == []

    async def test_who_left_lists_what_they_got(self, alice: Talker, bob: Talker) -> None:
        room_id = await room_of(alice)
        await said(alice, "early")
        await join(bob, room_id)
        await said(alice, "theirs")
        await alice.send(bob, content="aside")
        await act(bob, room_id, "leave")
        await said(alice, "late")

        assert await self.listed(bob.client, room=room_id) == ["theirs"]

    async def test_a_cursor_of_another_listing_is_refused(self, alice: Talker, bob: Talker) -> None:
        room_id = await room_of(alice, bob)
        await said(alice, "one", "two")
        page = (await bob.client.get(MESSAGES, params={"limit": 1})).json()

        answer = await bob.client.get(
            MESSAGES, params={"room": room_id, "cursor": page["next_cursor"]}
        )

        assert refusal(answer) == (400, "invalid_cursor")

    async def test_found_by_words_by_who_joined_later_and_who_is_muted(
        self, alice: Talker, bob: Talker, talkers: MakeTalker, app: FastAPI
    ) -> None:
        carol, eve = await talkers("carol"), await talkers("eve")
        room_id = await room_of(alice, bob)
        await act(bob, room_id, "mute", muted=True)
        await said(alice, "a needle in the hay")
        await join(carol, room_id)
        await app.state.messages.indexer.catch_up()

        for reader in (alice, bob, carol):
            for params in ({}, {"room": room_id}):
                found = await self.listed(reader.client, q="needle", **params)
                assert found == ["a needle in the hay"]
        assert await self.listed(carol.client, q="needle", room=uuid4()) == []
        assert await self.listed(eve.client, q="needle", room=room_id) == []
