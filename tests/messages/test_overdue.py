"""People are told of what was not acknowledged in time."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from hubbub.kit.db.dialect import db_now
from hubbub.kit.ids import new_id
from hubbub.kit.jobs import JobContext, NoArgs
from hubbub.kit.resources import Resources
from hubbub.messages import jobs
from hubbub.messages.models import Delivery
from hubbub.messages.service import overdue
from hubbub.messages.types import State
from tests.fixtures.mail import Inbox
from tests.fixtures.people import Person
from tests.messages.conftest import MakeTalker, Talker

type Send = Callable[..., Awaitable[UUID]]


@pytest.fixture
def send(hub: Resources, alice: Talker) -> Send:
    """Something that should have been acknowledged so many seconds ago."""

    async def sent(*to: Talker, seconds: float, state: State = State.QUEUED) -> UUID:
        soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        answer = await alice.send(*to, ack_by=soon)
        assert answer.status_code == 201, answer.text
        message_id = UUID(answer.json()["id"])
        async with hub.database.write() as session:
            await session.execute(
                update(Delivery)
                .where(Delivery.message_id == message_id)
                .values(ack_by=db_now(-seconds), state=state)
            )
        return message_id

    return sent


async def look(hub: Resources) -> None:
    await jobs.tell_of_overdue(JobContext(hub, new_id(), 1), NoArgs())


class Idle:
    async def tell_some(self, *_: object) -> bool:
        return False


async def look_at(hub: Resources, hour: str) -> None:
    while await overdue.tell_some(hub.database, hour):
        pass


async def told(person: Person) -> list[str]:
    page = (await person.client.get("/api/v1/notifications")).json()
    return sorted(each["title"] for each in page["items"] if each["kind"] == "messages.overdue")


async def test_both_sides_are_told_and_nobody_else(
    hub: Resources,
    alice: Talker,
    bob: Talker,
    talkers: MakeTalker,
    send: Send,
    inbox: Inbox,
    admin: Person,
) -> None:
    eve = await talkers("eve", owner=admin)
    await send(bob, seconds=60)

    await look(hub)

    assert await told(bob.owner) == ["Messages to bob were not acknowledged in time"]
    assert await told(alice.owner) == ["Messages from alice were not acknowledged in time"]
    assert await told(eve.owner) == []
    assert {(await inbox.next()).to for _ in range(2)} == {alice.owner.email, bob.owner.email}


async def test_once_an_hour_however_many(
    hub: Resources, alice: Talker, bob: Talker, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overdue, "_CHUNK", 2)
    # the hub looks once a minute by itself, and in its own hour
    monkeypatch.setattr(jobs, "overdue", Idle())
    for seconds in (100, 90, 90, 80, 70):
        await send(bob, seconds=seconds)
    await look_at(hub, "12")
    await send(bob, seconds=30)
    await look_at(hub, "12")
    assert len(await told(bob.owner)) == len(await told(alice.owner)) == 1

    await look_at(hub, "13")
    assert len(await told(bob.owner)) == 1  # of those that are still overdue it was told
    await send(bob, seconds=20)
    await look_at(hub, "13")

    assert len(await told(bob.owner)) == len(await told(alice.owner)) == 2


@pytest.mark.parametrize("state", [State.ACKED, State.EXPIRED, State.WITHDRAWN])
async def test_what_is_over_is_not_overdue(
    hub: Resources, bob: Talker, send: Send, state: State
) -> None:
    await send(bob, seconds=60, state=state)
    await send(bob, seconds=-60)

    await look(hub)

    assert await told(bob.owner) == []


async def test_what_a_stopped_hub_missed_is_made_up_for(
    hub: Resources, bob: Talker, talkers: MakeTalker, send: Send, admin: Person
) -> None:
    eve = await talkers("eve", owner=admin)
    await send(bob, seconds=3000)
    await look(hub)

    await send(eve, seconds=2000)
    await look(hub)

    assert len(await told(bob.owner)) == len(await told(eve.owner)) == 1
