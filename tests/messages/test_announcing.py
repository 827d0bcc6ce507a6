"""What is to be said because of something that was done: said once, if that was committed."""

import asyncio

import pytest
from fastapi import FastAPI

from hubbub.kit.errors import Conflict
from hubbub.kit.resources import Resources
from hubbub.messages.models import Announcement
from hubbub.messages.service.announcing import announce, say
from hubbub.messages.state import MessageState
from tests.fixtures.waiting import eventually
from tests.messages.conftest import Talker
from tests.messages.helpers import count, heard


def to(bob: Talker, alice: Talker, content: str = "done") -> Announcement:
    return Announcement(
        sender_id=alice.id, addressed=f"agent:{bob.handle}", content=content, meta={"n": 1}
    )


async def test_it_is_said_after_the_commit(hub: Resources, alice: Talker, bob: Talker) -> None:
    async with hub.database.write() as session:
        announce(session, to(bob, alice))

    await eventually(lambda: heard(bob))
    [entry] = (await bob.read())["items"]
    assert (entry["message"]["content"], entry["message"]["metadata"]) == ("done", {"n": 1})


async def test_of_what_was_not_committed_nothing_is_said(
    hub: Resources, alice: Talker, bob: Talker
) -> None:
    async def announce_and_fail() -> None:
        async with hub.database.write() as session:
            announce(session, to(bob, alice, "never"))
            await session.flush()
            raise Conflict

    with pytest.raises(Conflict):
        await announce_and_fail()
    async with hub.database.write() as session:
        announce(session, to(bob, alice, "said"))

    await eventually(lambda: heard(bob))
    assert await heard(bob) == ["said"]


async def test_however_many_try_it_is_said_once(
    app: FastAPI, hub: Resources, alice: Talker, bob: Talker
) -> None:
    messages: MessageState = app.state.messages
    async with hub.database.write() as session:
        session.add_all(to(bob, alice, str(number)) for number in range(5))

    await asyncio.gather(*(say(hub, messages.writer) for _ in range(4)))

    assert sorted(each or "" for each in await heard(bob)) == ["0", "1", "2", "3", "4"]
    assert await count(hub, "announcement") == 0


async def test_one_that_nobody_takes_holds_up_no_other(
    app: FastAPI, hub: Resources, alice: Talker, bob: Talker
) -> None:
    messages: MessageState = app.state.messages
    await bob.client.post(f"/api/v1/agents/{bob.id}/blocks", json={"other": "alice"})
    async with hub.database.write() as session:
        session.add(to(bob, alice))
        session.add(to(alice, bob))

    await say(hub, messages.writer)

    assert (await heard(bob), await heard(alice)) == ([], ["done"])
    assert await count(hub, "announcement") == 0
