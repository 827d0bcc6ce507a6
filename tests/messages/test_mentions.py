"""Who is named with an `@` in a room is told so."""

import gc
from time import thread_time

import pytest
from sqlalchemy import text

from hubbub.kit.ids import new_id
from hubbub.kit.jobs import JobContext
from hubbub.kit.resources import Resources
from hubbub.messages.jobs import tell_of_mention
from hubbub.messages.writer.mentions import Mentioned, names_in
from tests.fixtures.people import Person
from tests.fixtures.waiting import eventually
from tests.messages.conftest import MakeTalker, Talker
from tests.messages.helpers import (
    MESSAGES,
    act,
    ahead,
    count,
    heard,
    let_come_due,
    room_of,
    say,
)

EVENTS = "outbox_event WHERE topic = 'messages.mentioned'"


async def told(person: Person) -> list[str]:
    answer = await person.client.get("/api/v1/notifications", params={"limit": 100})
    items = answer.json()["items"]
    return sorted(item["title"] for item in items if item["kind"] == "messages.mentioned")


async def all_are_told(hub: Resources) -> None:
    """Nothing is on its way any more."""

    async def holds() -> bool:
        jobs = "job WHERE name = 'messages.mentioned' AND status IN ('queued', 'running')"
        return await count(hub, EVENTS) == await count(hub, jobs) == 0

    await eventually(holds)


class TestNames:
    @pytest.mark.parametrize(
        ("content", "names"),
        [
            ("@bob", ("bob",)),
            ("@BOB and @Carol-2, @d.e_f", ("bob", "carol-2", "d.e_f")),
            ("thanks, @bob.", ("bob.",)),
            ("(@bob) **@carol** @dora's", ("bob", "carol", "dora")),
            ("@bob @bob @Bob", ("bob",)),
            ("line\n@bob\n", ("bob",)),
            ("ü @bob", ("bob",)),
            ("mail bob@example.com", ()),
            ("https://example.com/@bob", ()),
            ("ü@bob @@bob @ bob @-bob", ()),
            ("@" + "a" * 64, ("a" * 64,)),
            ("@" + "a" * 65, ()),
            ("`@bob` @carol", ("carol",)),
            ("``a ` @bob`` @carol", ("carol",)),
            ("a ` alone @bob", ("bob",)),
            ("`` unlike ` @bob", ("bob",)),
            ("```\n@bob\n```\n@carol", ("carol",)),
            ("~~~ python\n@bob\n```\n@dora\n~~~~\n@carol", ("carol",)),
            ("   ````\n@bob\n```\n@dora", ()),
            ("```inline``` @bob", ("bob",)),
            ("a `span\nover lines @bob` @carol", ("carol",)),
        ],
    )
    @pytest.mark.parametrize("content_type", ["text/plain", "text/markdown"])
    def test_what_may_be_a_name(
        self, content: str, names: tuple[str, ...], content_type: str
    ) -> None:
        assert names_in(content, content_type) == names

    def test_json_mentions_nobody(self) -> None:
        assert names_in('"@bob"', "application/json") == ()

    @pytest.mark.parametrize(
        "content",
        [
            "@" * 131_000,
            "@a" * 65_000,
            "`" * 131_000 + "@",
            "` @a" * 32_000,
            "".join("`" * n + " " for n in range(500)) + "@a",
            "```\n@\n" * 20_000,
            "~~~\n" * 32_000 + "@a",
            ("@" + "a" * 70 + " ") * 1_800,
        ],
    )
    def test_no_content_keeps_the_hub_busy(self, content: str) -> None:
        gc.freeze()  # as a hub does: what other tests have left isn't gone through in this time
        begin = thread_time()

        names_in(content, "text/markdown")

        took = thread_time() - begin
        gc.unfreeze()
        assert took < 0.5


class TestTelling:
    async def test_the_owner_of_a_member_is_told_once(
        self, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        await room_of(alice, bob)

        await say(alice, "@Bob: look, @bob, here. @nobody, @alice", key="k")
        await say(alice, "@Bob: look, @bob, here. @nobody, @alice", key="k")
        await all_are_told(hub)

        assert await told(bob.owner) == ["alice mentions bob in ops"]
        assert await told(alice.owner) == []

    async def test_also_when_muted(self, alice: Talker, bob: Talker, hub: Resources) -> None:
        room_id = await room_of(alice, bob)
        await act(bob, room_id, "mute", muted=True)

        await say(alice, "wake up @bob.")
        await all_are_told(hub)

        assert (await heard(bob), await told(bob.owner)) == ([], ["alice mentions bob in ops"])

    async def test_people_are_mentioned_like_agents(
        self, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        room_id = await room_of(alice, bob)
        await bob.owner.client.post(f"/api/v1/rooms/{room_id}/join")

        await say(alice, f"@{bob.owner.username} and @bob")
        await all_are_told(hub)

        titles = {f"alice mentions {name} in ops" for name in (bob.owner.username, "bob")}
        assert set(await told(bob.owner)) == titles

    async def test_nobody_outside_of_the_room_and_nothing_outside_of_rooms(
        self, alice: Talker, bob: Talker, talkers: MakeTalker, hub: Resources
    ) -> None:
        await talkers("carol", bob.owner)
        await room_of(alice, name="secret", visibility="private")

        await say(alice, "@carol @bob", room="secret")
        await alice.send(bob, content="@bob @carol")
        await say(alice, '"@bob"', room="secret", content_type="application/json")

        assert await count(hub, EVENTS) == 0
        await all_are_told(hub)
        assert await told(bob.owner) == []

    async def test_what_is_refused_mentions_nobody(
        self, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        await room_of(bob)

        assert (await say(alice, "@bob")).status_code == 403

        await all_are_told(hub)
        assert await told(bob.owner) == []

    async def test_twenty_at_most(
        self, alice: Talker, bob: Talker, talkers: MakeTalker, hub: Resources
    ) -> None:
        crowd = [await talkers(f"member-{number}", bob.owner) for number in range(22)]
        await room_of(alice, *crowd)

        await say(alice, " ".join(f"@{each.handle}" for each in crowd))
        await all_are_told(hub)

        assert len(await told(bob.owner)) == 20

    async def test_a_person_is_not_told_of_what_they_wrote(
        self, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        room_id = await room_of(alice, bob)
        await alice.owner.client.post(f"/api/v1/rooms/{room_id}/join")
        body = {"to": ["room:ops"], "content": "@alice @bob"}

        await alice.owner.client.post(MESSAGES, json=body)
        await all_are_told(hub)

        assert await told(alice.owner) == []
        assert await told(bob.owner) == [f"{alice.owner.username} mentions bob in ops"]

    async def test_who_has_blocked_the_sender_is_not_told(
        self, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        await room_of(alice, bob)
        path = f"/api/v1/agents/{bob.id}/blocks"
        assert (await bob.owner.client.post(path, json={"other": "alice"})).status_code < 300

        await say(alice, "@bob")
        await all_are_told(hub)

        assert (await heard(bob), await told(bob.owner)) == (["@bob"], [])

    async def test_said_later_it_is_told_later(
        self, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        await room_of(alice, bob)
        sent = (await say(alice, "@bob", deliver_at=ahead(hours=1))).json()
        await all_are_told(hub)
        before = await told(bob.owner)
        await let_come_due(hub, sent["id"])

        async def is_told() -> bool:
            return await told(bob.owner) == ["alice mentions bob in ops"]

        await eventually(is_told)
        assert before == []


class TestRunningTwice:
    async def test_tells_once_and_looks_at_how_things_are_by_then(
        self, alice: Talker, bob: Talker, talkers: MakeTalker, hub: Resources
    ) -> None:
        carol = await talkers("carol", bob.owner)
        room_id = await room_of(alice, bob, carol)
        sent = (await say(alice, "no names")).json()
        context = JobContext(hub, new_id(), 1)

        def mention(talker: Talker) -> Mentioned:
            return Mentioned(message_id=sent["id"], participant_id=talker.id)

        for _ in range(2):
            await tell_of_mention(context, mention(bob))
        await act(carol, room_id, "leave")
        await tell_of_mention(JobContext(hub, new_id(), 1), mention(carol))
        await alice.client.delete(f"{MESSAGES}/{sent['id']}")
        await tell_of_mention(JobContext(hub, new_id(), 1), mention(bob))

        assert await told(bob.owner) == ["alice mentions bob in ops"]


async def test_it_is_stored_with_the_message_or_not_at_all(
    alice: Talker, bob: Talker, hub: Resources, distributed: bool
) -> None:
    await room_of(alice, bob)
    broken = {
        False: "CREATE TRIGGER broken BEFORE INSERT ON outbox_event"
        " WHEN new.topic = 'messages.mentioned' BEGIN SELECT raise(ABORT, 'broken'); END",
        True: "ALTER TABLE outbox_event ADD CONSTRAINT broken"
        " CHECK (topic <> 'messages.mentioned')",
    }
    async with hub.database.write() as session:
        await session.execute(text(broken[distributed]))

    answer = await say(alice, "@bob")

    assert answer.status_code == 500
    assert await heard(bob) == []
