"""Streams of server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from hubbub.kit.resources import Resources
from hubbub.notifications.service import notify
from hubbub.realtime import sse
from tests.fixtures.people import Person
from tests.fixtures.waiting import eventually
from tests.messages.conftest import Talker
from tests.realtime.conftest import SOON, Dial, inbox_of, key_of
from tests.rooms.helpers import make_room


@dataclass
class Event:
    kind: str
    id: str | None
    data: dict[str, Any]


@dataclass
class Reader:
    response: httpx2.Response
    lines: AsyncIterator[str]

    async def next(self, kind: str = "message") -> Event:
        async with asyncio.timeout(SOON):
            while True:
                fields: dict[str, str] = {}
                while line := await anext(self.lines):
                    name, _, value = line.partition(": ")
                    fields[name] = value
                if fields.get("event") == kind:
                    data = json.loads(fields["data"])
                    return Event(fields["event"], fields.get("id"), data)

    async def comment(self) -> str:
        async with asyncio.timeout(SOON):
            while not (line := await anext(self.lines)).startswith(":"):
                pass
        return line


@asynccontextmanager
async def reading(
    port: int, path: str, key: str, last: str | None = None, **params: str
) -> AsyncIterator[Reader]:
    headers = {"Authorization": f"Bearer {key}"}
    if last is not None:
        headers["Last-Event-ID"] = last
    async with (
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
        client.stream("GET", f"/api/v1{path}", headers=headers, params=params) as response,
    ):
        assert response.status_code == 200
        yield Reader(response, response.aiter_lines())


def events_of(talker: Talker) -> str:
    return f"/agents/{talker.id}/events"


class TestInbox:
    async def test_what_is_there_and_what_comes(
        self, served: int, alice: Talker, bob: Talker
    ) -> None:
        await alice.send(bob, content="old\nline")
        async with reading(served, events_of(bob), key_of(bob)) as reader:
            old = await reader.next()
            await alice.send(bob, content="new")
            new = await reader.next()

            assert reader.response.headers["cache-control"] == "no-store"
            assert reader.response.headers["x-accel-buffering"] == "no"
            assert reader.response.headers["content-type"].startswith("text/event-stream")
        page = await bob.read()
        assert [each.data["message"] for each in (old, new)] == [
            item["message"] for item in page["items"]
        ]
        assert new.id == new.data["cursor"] == page["next_cursor"]

    async def test_last_event_id_goes_on_and_counts_before_after(
        self, served: int, alice: Talker, bob: Talker
    ) -> None:
        for number in range(4):
            await alice.send(bob, content=str(number))
        epoch = (await bob.read())["epoch"]

        async with reading(
            served, events_of(bob), key_of(bob), last=f"{epoch}:2", after="0"
        ) as reader:
            assert (await reader.next()).data["seq"] == 3
        async with reading(served, events_of(bob), key_of(bob), after="3") as reader:
            assert (await reader.next()).data["seq"] == 4

    async def test_a_foreign_cursor_is_told_so(
        self, served: int, alice: Talker, bob: Talker
    ) -> None:
        await alice.send(bob)
        async with reading(served, events_of(bob), key_of(bob), last="0123:9") as reader:
            reset = await reader.next("reset")

            assert reset.data["reason"] == "another_epoch"
            assert (await reader.next()).data["seq"] == 1

    async def test_a_word_from_time_to_time(
        self, served: int, bob: Talker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sse, "KEEP_ALIVE", 0.05)
        async with reading(served, events_of(bob), key_of(bob)) as reader:
            assert await reader.comment() == ": here"

    async def test_a_reader_who_leaves_is_forgotten(
        self, app: FastAPI, served: int, bob: Talker
    ) -> None:
        connections = app.state.realtime.connections
        async with reading(served, events_of(bob), key_of(bob)) as reader:
            assert len(connections) == 1
            del reader

        async def is_gone() -> bool:
            return len(connections) == 0

        await eventually(is_gone)

    async def test_others_are_refused(self, alice: Talker, bob: Talker) -> None:
        refused = await alice.client.get(f"/api/v1{events_of(bob)}")
        invalid = await bob.client.get(f"/api/v1{events_of(bob)}", params={"after": "x"})

        assert (refused.status_code, refused.json()["code"]) == (403, "not_your_participant")
        assert invalid.status_code == 422


class TestRoom:
    async def test_members_follow_it_and_others_do_not(
        self, served: int, other_user: Person, alice: Talker
    ) -> None:
        room = await make_room(other_user, "plaza")
        path = f"/rooms/{room['id']}/events"
        token = str(other_user.tokens["access_token"])
        async with reading(served, path, token) as reader:
            body = {"to": ["room:plaza"], "content": "hi"}
            await other_user.client.post("/api/v1/messages", json=body)

            assert (await reader.next()).data["message"]["content"] == "hi"
        refused = await alice.client.get(f"/api/v1{path}")
        assert (refused.status_code, refused.json()["code"]) == (403, "not_in_room")


class TestNotifications:
    @staticmethod
    async def tell(hub: Resources, person: Person, title: str) -> None:
        async with hub.database.write() as session:
            await notify(session, person.id, "test.word", title)

    async def test_unread_ones_and_new_ones(
        self, served: int, hub: Resources, authenticated_user: Person
    ) -> None:
        await self.tell(hub, authenticated_user, "one")
        token = str(authenticated_user.tokens["access_token"])
        async with reading(served, "/notifications/events", token) as reader:
            one = await reader.next("notification")
            await self.tell(hub, authenticated_user, "two")
            two = await reader.next("notification")
        async with reading(served, "/notifications/events", token, last=one.id) as reader:
            again = await reader.next("notification")

        titles = [each.data["notification"]["title"] for each in (one, two, again)]
        assert titles == ["one", "two", "two"]

    async def test_over_a_socket_and_what_is_read_comes_no_more(
        self, dial: Dial, hub: Resources, authenticated_user: Person, other_user: Person
    ) -> None:
        token = str(authenticated_user.tokens["access_token"])
        await self.tell(hub, authenticated_user, "read")
        await authenticated_user.client.post(
            "/api/v1/notifications/read", json={"everything": True}
        )
        line = await dial("/ws/private", token)
        await self.tell(hub, other_user, "foreign")
        await self.tell(hub, authenticated_user, "mine")

        assert (await line.next("notification"))["notification"]["title"] == "mine"

    async def test_without_any_hint(
        self, app: FastAPI, dial: Dial, hub: Resources, authenticated_user: Person
    ) -> None:
        line = await dial("/ws/private", str(authenticated_user.tokens["access_token"]))
        app.state.realtime.notices.hear = None
        object.__setattr__(hub.database, "_hearers", {**hub.database._hearers})
        hub.database._hearers["notifications.notified"] = []
        app.state.realtime.notices._waiting, waiting = {}, app.state.realtime.notices._waiting
        await self.tell(hub, authenticated_user, "unheard")
        app.state.realtime.notices._waiting = waiting

        assert (await line.next("notification"))["notification"]["title"] == "unheard"


class TestOneCursor:
    async def test_the_transport_may_change_in_the_middle(
        self, served: int, dial: Dial, alice: Talker, bob: Talker
    ) -> None:
        """Long-poll, then events, then a socket, then long-poll again: each once, in order."""
        seen: list[int] = []

        async def flood() -> None:
            for number in range(80):
                await alice.send(bob, content=str(number))

        sending = asyncio.create_task(flood())
        page = await bob.read(wait=5, limit=10)
        seen += [item["seq"] for item in page["items"]]
        cursor = page["next_cursor"]
        async with reading(served, events_of(bob), key_of(bob), last=cursor) as reader:
            for _ in range(20):
                event = await reader.next()
                seen.append(event.data["seq"])
                cursor = event.id or ""
        line = await dial(inbox_of(bob, after=cursor), key_of(bob))
        for entry in await line.entries(20):
            seen.append(entry["seq"])
            cursor = entry["cursor"]
        while len(seen) < 80:
            page = await bob.read(after=cursor, wait=5)
            seen += [item["seq"] for item in page["items"]]
            cursor = page["next_cursor"]
        await sending

        assert seen == list(range(1, 81))


async def test_a_person_asks_and_is_answered_over_the_private_socket(
    authenticated_user: Person, bob: Talker, hub: Resources, dial: Dial
) -> None:
    line = await dial("/ws/private", str(authenticated_user.tokens["access_token"]))

    await line.say(type="send", id="a1", to=["agent:bob"], content="from a person")
    sent = await line.next("ack")
    async with hub.database.write() as session:
        await notify(session, authenticated_user.id, "test.told", "Read me")
    told = await line.next("notification")
    await line.say(type="read", id="a2", everything=True)
    read = await line.next("ack")
    await line.say(type="read", id="a3")
    wrong = await line.next("error")

    assert (sent["id"], sent["state"]) == ("a1", "queued")
    [entry] = (await bob.read())["items"]
    assert (entry["message"]["id"], entry["message"]["content"]) == (
        sent["message_id"],
        "from a person",
    )
    assert told["notification"]["title"] == "Read me"
    assert read == {"type": "ack", "id": "a2", "unread": 0}
    assert (wrong["id"], wrong["problem"]["status"]) == ("a3", 422)
