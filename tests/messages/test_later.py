"""Messages that are to be delivered at a later time."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from hubbub.kit.resources import Resources
from hubbub.messages.models import FanOut
from tests.fixtures.people import Person
from tests.fixtures.waiting import eventually
from tests.messages.conftest import MakeTalker, Talker
from tests.messages.helpers import (
    MESSAGES,
    ROOMS,
    act,
    ahead,
    count,
    heard,
    history,
    join,
    let_come_due,
    open_in,
    refusal,
    room_of,
    say,
    texts,
)


async def come_due(hub: Resources, sender: Talker, sent: dict[str, Any]) -> dict[str, Any]:
    """Returns the message once its deliveries are made."""
    await let_come_due(hub, sent["id"])
    read: dict[str, Any] = {}

    async def is_done() -> bool:
        read.update((await sender.client.get(f"{MESSAGES}/{sent['id']}")).json())
        return bool(read["spread"]["done"])

    await eventually(is_done)
    return read


async def later(sender: Talker, *to: Talker, **more: Any) -> dict[str, Any]:
    answer = await sender.send(*to, **({"deliver_at": ahead(hours=1)} | more))
    assert answer.status_code == 201, answer.text
    sent: dict[str, Any] = answer.json()
    return sent


class TestWhen:
    async def test_then_and_not_before(self, alice: Talker, bob: Talker) -> None:
        at = ahead(seconds=0.7)
        answer = await alice.send(bob, content="later", deliver_at=at)
        await alice.send(bob, content="now")
        before = await heard(bob)

        async def has_come() -> bool:
            return await heard(bob) == ["now", "later"]

        await eventually(has_come, within=5)

        assert (answer.status_code, before) == (201, ["now"])
        delivered = (await bob.read(after=1))["items"][0]
        deliveries = await alice.client.get(f"{MESSAGES}/{delivered['message']['id']}/deliveries")
        [delivery] = deliveries.json()["items"]
        made = datetime.fromisoformat(delivery["created_at"]) - datetime.fromisoformat(at)
        assert 0 <= made.total_seconds() < 3

    async def test_until_then_it_is_the_senders_alone(
        self, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        sent = await later(alice, bob)
        path = f"{MESSAGES}/{sent['id']}"

        assert sent["to_agent_id"] == str(bob.id)
        assert sent["spread"] == {"done": False, "reached": 0, "skipped": 0}
        assert (await alice.client.get(path)).json() == sent
        assert (await alice.client.get(f"{path}/deliveries")).json()["items"] == []
        assert (await bob.client.get(path)).status_code == 404
        assert (await bob.client.get(MESSAGES)).json()["items"] == []
        assert refusal(await bob.send(alice, reply_to=sent["id"])) == (404, "reply_not_found")
        assert (await heard(bob), await open_in(hub, bob)) == ([], 0)

    @pytest.mark.parametrize(
        "times",
        [
            {"deliver_at": ahead(days=31)},
            {"deliver_at": ahead(seconds=-1)},
            {"deliver_at": "0001-01-01T00:00:00Z"},
            {"deliver_at": "9999-12-31T23:59:59Z"},
            {"deliver_at": ahead(hours=2), "expires_at": ahead(hours=1)},
            {"deliver_at": ahead(hours=2), "ack_by": ahead(hours=1)},
        ],
    )
    async def test_times_that_make_no_sense(
        self, alice: Talker, bob: Talker, times: dict[str, str]
    ) -> None:
        assert refusal(await alice.send(bob, **times)) == (422, "not_in_future")

    async def test_what_is_wrong_now_is_refused_now(
        self, alice: Talker, bob: Talker, talkers: MakeTalker
    ) -> None:
        shut = await talkers("shut", bob.owner, accepts="nobody")

        assert refusal(await alice.send(shut, deliver_at=ahead(hours=1))) == (
            403,
            "recipient_refuses",
        )
        nobody = {"to": ["agent:nobody"], "content": "x", "deliver_at": ahead(hours=1)}
        assert (await alice.client.post(MESSAGES, json=nobody)).status_code == 404


class TestMeanwhile:
    async def test_withdrawn_in_time_it_never_comes(
        self, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        sent = await later(alice, bob, content="never")
        path = f"{MESSAGES}/{sent['id']}"

        first = await alice.client.delete(path)
        again = await alice.client.delete(path)
        await let_come_due(hub, sent["id"])
        # one that comes due after it shows that its turn is over
        await come_due(hub, alice, await later(alice, bob, content="shown"))

        assert (first.status_code, first.json()["items"], again.status_code) == (200, [], 409)
        assert await heard(bob) == ["shown"]

    async def test_recipients_that_are_gone_or_refuse_by_then(
        self, alice: Talker, bob: Talker, talkers: MakeTalker, hub: Resources
    ) -> None:
        gone = await talkers("gone", bob.owner)
        carol = await talkers("carol", bob.owner)
        sent = await later(alice, bob, gone, carol)
        await bob.owner.client.delete(f"/api/v1/agents/{gone.id}")
        path = f"/api/v1/agents/{bob.id}/blocks"
        await bob.owner.client.post(path, json={"other": "alice"})

        read = await come_due(hub, alice, sent)

        assert read["spread"] == {"done": True, "reached": 1, "skipped": 2}
        assert (await heard(bob), await heard(carol)) == ([], ["hello"])
        assert (await open_in(hub, bob), await open_in(hub, carol)) == (0, 1)

    async def test_a_policy_that_has_been_closed(
        self, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        sent = await later(alice, bob)
        path = f"/api/v1/agents/{bob.id}"
        assert (await bob.owner.client.patch(path, json={"accepts": "owner"})).status_code == 200

        read = await come_due(hub, alice, sent)

        assert read["spread"] == {"done": True, "reached": 0, "skipped": 1}
        assert await heard(bob) == []

    async def test_several_that_are_due_come_in_the_order_of_their_times(
        self, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        sent = [await later(alice, bob, content=str(number)) for number in range(5)]
        for each in reversed(sent):
            await come_due(hub, alice, each)

        assert await heard(bob) == ["4", "3", "2", "1", "0"]

    async def test_one_that_cant_be_delivered_keeps_nobody_waiting(
        self, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        broken, sent = await later(alice, bob, content="broken"), await later(alice, bob)
        async with hub.database.write() as session:
            row = update(FanOut).where(FanOut.message_id == UUID(broken["id"]))
            await session.execute(row.values(recipients=7))
        await let_come_due(hub, broken["id"])

        assert (await come_due(hub, alice, sent))["spread"]["reached"] == 1
        assert await count(hub, "fan_out WHERE done_at IS NULL") == 1


class TestReplaying:
    async def test_the_same_before_and_after_it_was_delivered(
        self, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        at = ahead(hours=1)
        first = await alice.send(bob, deliver_at=at, key="k")
        before = await alice.send(bob, deliver_at=at, key="k")
        await come_due(hub, alice, first.json())
        after = await alice.send(bob, deliver_at=at, key="k")

        assert before.json() == after.json() == first.json()
        assert {each.headers["idempotency-replayed"] for each in (before, after)} == {"true"}
        assert await heard(bob) == ["hello"]

    async def test_also_of_one_to_several_of_whom_one_is_reached(
        self, alice: Talker, bob: Talker, talkers: MakeTalker, hub: Resources
    ) -> None:
        at = ahead(hours=1)
        carol = await talkers("carol", bob.owner)
        first = await alice.send(bob, carol, deliver_at=at, key="k")
        await bob.owner.client.delete(f"/api/v1/agents/{carol.id}")
        await come_due(hub, alice, first.json())
        # by now the name means nobody, and that doesn't matter to who asks again
        again = await alice.send(bob, carol, deliver_at=at, key="k")

        assert again.json() == first.json()


class TestRooms:
    async def test_it_is_for_the_members_of_that_later_time(
        self, alice: Talker, bob: Talker, talkers: MakeTalker, hub: Resources
    ) -> None:
        carol = await talkers("carol")
        room_id = await room_of(alice, bob)
        sent = (await say(alice, "later", deliver_at=ahead(hours=1))).json()
        await say(alice, "now")
        await act(bob, room_id, "leave")
        await join(carol, room_id)
        before = texts(await history(alice, room_id))
        unseen = (await carol.client.get(f"{MESSAGES}/{sent['id']}")).status_code

        await come_due(hub, alice, sent)

        assert (before, unseen) == (["now"], 404)
        assert texts(await history(carol, room_id)) == ["now", "later"]
        assert (await heard(bob), await heard(carol)) == (["now"], ["later"])

    @pytest.mark.parametrize("ending", ["left", "deleted", "observer"])
    async def test_who_can_speak_there_no_more_is_not_heard(
        self, alice: Talker, bob: Talker, hub: Resources, admin: Person, ending: str
    ) -> None:
        room_id = await room_of(bob, alice)
        sent = (await say(alice, "later", deliver_at=ahead(hours=1))).json()
        path = f"{ROOMS}/{room_id}/members/{alice.id}"
        if ending == "left":
            assert (await bob.client.delete(path)).status_code == 204
        elif ending == "observer":
            await bob.client.patch(path, json={"role": "observer"})
        else:
            await admin.client.delete(f"{ROOMS}/{room_id}")

        read = await come_due(hub, alice, sent)

        assert read["spread"] == {"done": True, "reached": 0, "skipped": 0}
        assert (await heard(bob), texts(await history(bob, room_id))) == ([], [])

    async def test_with_agents_beside(
        self, alice: Talker, bob: Talker, talkers: MakeTalker, hub: Resources
    ) -> None:
        carol = await talkers("carol")
        await room_of(alice, bob)
        to = ["room:ops", "agent:bob", "agent:carol"]
        sent = (await say(alice, to=to, deliver_at=ahead(hours=1))).json()

        read = await come_due(hub, alice, sent)

        assert read["spread"]["reached"] == 2
        assert (await heard(bob), await heard(carol)) == (["hello"], ["hello"])
