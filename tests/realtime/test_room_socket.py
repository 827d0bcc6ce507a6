from typing import Any

import pytest
from fastapi import FastAPI
from websockets.exceptions import ConnectionClosed

from tests.fixtures.people import Person
from tests.messages.conftest import Talker
from tests.realtime.conftest import Dial, Line, inbox_of, key_of, room_path
from tests.rooms.helpers import call, make_room, path


@pytest.fixture
async def room(other_user: Person, bob: Talker, alice: Talker) -> dict[str, Any]:
    """Alice and bob are in it, and who made it."""
    made = await make_room(other_user, "plaza")
    for each in (bob, alice):
        assert (await each.client.post(path(made, "join"), json={})).status_code < 300
    return made


async def presence(line: Line, state: str) -> dict[str, Any]:
    """The next of that kind: what others did before may still be on its way."""
    while (frame := await line.next("presence"))["state"] != state:
        pass
    return frame


async def say(talker: Talker, content: str) -> None:
    answer = await talker.client.post(
        "/api/v1/messages", json={"to": ["room:plaza"], "content": content}
    )
    assert answer.status_code == 201, answer.text


async def contents(line: Line, count: int) -> list[str]:
    return [entry["message"]["content"] for entry in await line.entries(count)]


async def test_everybody_who_watches_gets_what_is_said(
    dial: Dial, room: dict[str, Any], alice: Talker, bob: Talker
) -> None:
    await say(alice, "before")
    lines = [await dial(room_path(room["id"]), key_of(each)) for each in (alice, bob, bob)]
    await say(bob, "after")

    for line in lines:
        assert await contents(line, 2) == ["before", "after"]


async def test_a_cursor_of_the_room_goes_on(dial: Dial, room: dict[str, Any], bob: Talker) -> None:
    for number in range(5):
        await say(bob, str(number))
    line = await dial(room_path(room["id"]), key_of(bob))
    cursor = (await line.entries(3))[-1]["cursor"]

    again = await dial(room_path(room["id"], after=cursor), key_of(bob))

    assert await contents(again, 2) == ["3", "4"]


async def test_live_and_stored_look_the_same(dial: Dial, room: dict[str, Any], bob: Talker) -> None:
    live = await dial(room_path(room["id"]), key_of(bob))
    await say(bob, "hi")
    stored = await dial(room_path(room["id"]), key_of(bob))

    assert await live.next("message") == await stored.next("message")


async def test_one_speaks_in_the_room_without_naming_it(
    dial: Dial, room: dict[str, Any], alice: Talker, bob: Talker
) -> None:
    mine, theirs = [await dial(room_path(room["id"]), key_of(each)) for each in (alice, bob)]

    await mine.say(type="send", id="1", content="hello all")

    assert await contents(theirs, 1) == ["hello all"]
    # told in whatever order: the acknowledgement, and what everybody hears
    seen: dict[str, Any] = {}
    while not {"ack", "message"} <= seen.keys():
        frame = await mine.next()
        seen[frame["type"]] = frame
    assert seen["ack"]["id"] == "1"


async def test_who_joined_a_private_room_later_is_told_where_their_part_begins(
    dial: Dial, other_user: Person, alice: Talker
) -> None:
    cellar = await make_room(other_user, "cellar", visibility="private", history="joined")
    for content in ("one", "two"):
        body = {"to": ["room:cellar"], "content": content}
        await other_user.client.post("/api/v1/messages", json=body)
    await call(other_user, cellar, "invite", participants=["alice"])
    joined = await alice.client.post(path(cellar, "join"), json={})
    assert joined.status_code < 300, joined.text
    body = {"to": ["room:cellar"], "content": "three"}
    await other_user.client.post("/api/v1/messages", json=body)

    line = await dial(room_path(cellar["id"]), key_of(alice))
    assert await contents(line, 1) == ["three"]
    behind = await dial(room_path(cellar["id"], after="0"), key_of(alice))
    reset = await behind.next()
    assert (reset["type"], reset["first_seq"], reset["reason"]) == ("reset", 3, "before_the_first")
    assert await contents(behind, 1) == ["three"]


async def test_joining_and_leaving_are_announced_and_leaving_ends_it(
    dial: Dial, room: dict[str, Any], alice: Talker, bob: Talker, authenticated_user: Person
) -> None:
    watching = await dial(room_path(room["id"]), key_of(bob))
    leaving = await dial(room_path(room["id"]), key_of(alice))

    await alice.client.post(path(room, "leave"), json={})
    assert (await presence(watching, "left"))["participant_id"] == str(alice.id)
    assert (await leaving.closed())[0] == 4403

    await alice.client.post(path(room, "join"), json={})
    joined = await presence(watching, "joined")
    assert joined["participant_id"] == str(alice.id)
    assert joined["room_id"] == room["id"]


async def test_what_is_said_next_is_not_for_who_has_left(
    dial: Dial, room: dict[str, Any], alice: Talker, bob: Talker
) -> None:
    line = await dial(room_path(room["id"]), key_of(bob))
    answer = await bob.client.post(path(room, "leave"), json={})
    assert answer.status_code == 204

    await say(alice, "secret")

    with pytest.raises(ConnectionClosed):
        await line.next("message")
    assert line.socket.close_code == 4403


async def test_of_many_who_are_out_nobody_is_shown_more_though_nobody_tells_of_it(
    app: FastAPI, dial: Dial, room: dict[str, Any], alice: Talker, bob: Talker
) -> None:
    """One look at all of them, as it is taken every three seconds."""
    connections = app.state.realtime.connections
    connections.hear_leaving = lambda *_: None
    out = [await dial(room_path(room["id"]), key_of(alice)) for _ in range(150)]
    owner = await dial(room_path(room["id"]), str(bob.owner.tokens["access_token"]))
    inside = await dial(room_path(room["id"]), key_of(bob))
    own_inbox = await dial(inbox_of(alice), key_of(alice))
    await alice.client.post(path(room, "leave"), json={})

    await connections.look()
    await say(bob, "among us")

    assert {(await line.closed())[0] for line in out} == {4403}
    assert await contents(inside, 1) == ["among us"]
    assert await contents(owner, 1) == ["among us"]
    assert await own_inbox.is_silent()


async def test_typing_is_shown_and_not_stored(
    dial: Dial, room: dict[str, Any], alice: Talker, bob: Talker
) -> None:
    mine, theirs = [await dial(room_path(room["id"]), key_of(each)) for each in (alice, bob)]

    await mine.say(type="typing")

    assert (await presence(theirs, "typing"))["participant_id"] == str(alice.id)
    again = await dial(room_path(room["id"]), key_of(bob))
    assert await again.is_silent()


async def test_without_any_hint_what_is_said_is_seen_within_three_seconds(
    app: FastAPI, dial: Dial, room: dict[str, Any], bob: Talker
) -> None:
    line = await dial(room_path(room["id"]), key_of(bob))
    app.state.messages.watch._tell = lambda *_: None
    await say(bob, "unheard")
    del app.state.messages.watch._tell

    assert await contents(line, 1) == ["unheard"]
