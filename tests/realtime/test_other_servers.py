"""The app under a server that isn't ours: what only ours can do is done the plain way."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn
from fastapi import FastAPI

from hubbub.cli.server import bind
from hubbub.realtime import outlets
from tests.messages.conftest import Talker
from tests.realtime.conftest import Dial, inbox_of, key_of


@pytest.fixture
async def served(app: FastAPI) -> AsyncIterator[int]:
    """As `uvicorn hubbub.app:create_app` serves it."""
    sockets = bind("127.0.0.1", 0)
    config = uvicorn.Config(app, lifespan="off", log_config=None, ws="websockets-sansio")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve(sockets))
    yield sockets[0].getsockname()[1]
    server.should_exit = True
    await task


async def test_a_socket_says_hears_and_goes_on(dial: Dial, alice: Talker, bob: Talker) -> None:
    await alice.send(bob, content="old")
    line = await dial(inbox_of(bob), key_of(bob))
    await alice.send(bob, content="new ü")
    entries = await line.entries(2)
    await line.say(type="send", id="one", to=["agent:alice"], content="hi")

    assert [entry["message"]["content"] for entry in entries] == ["old", "new ü"]
    assert (await line.next())["id"] == "one"
    assert (await alice.read())["items"][0]["message"]["content"] == "hi"
    again = await dial(inbox_of(bob, after=entries[0]["cursor"]), key_of(bob))
    assert (await again.next("message"))["seq"] == 2


async def test_refusals_and_ends_have_their_codes(dial: Dial, alice: Talker, bob: Talker) -> None:
    stranger = await dial(inbox_of(bob), hello=False)
    foreign = await dial(inbox_of(bob), key_of(alice), hello=False)
    line = await dial(inbox_of(bob), key_of(bob))
    await bob.owner.client.delete(f"/api/v1/agents/{bob.id}")

    assert [(await each.closed())[0] for each in (stranger, foreign, line)] == [4401, 4403, 4401]


async def test_who_does_not_read_is_cut_off_and_goes_on_later(
    dial: Dial, alice: Talker, bob: Talker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlets, "MOST_BYTES", 200_000)
    slow = await dial(inbox_of(bob), key_of(bob), max_queue=1, compression=None)
    for _ in range(120):
        assert (await alice.send(bob, content="x" * 120_000)).status_code == 201

    code, _ = await slow.closed()
    line = await dial(inbox_of(bob), key_of(bob))

    assert code == 4408
    assert [entry["seq"] for entry in await line.entries(120)] == list(range(1, 121))
