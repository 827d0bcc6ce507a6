"""Many messages in one request: what is wrong with one row is no other's trouble."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import text

from hubbub.kit.resources import Resources
from hubbub.settings import MessageSettings, Settings
from tests.messages.conftest import MakeTalker, Talker
from tests.messages.helpers import BATCH, MESSAGES, ahead, count, heard, numbers, room_of, say

TO_BOB: dict[str, Any] = {"to": ["agent:bob"], "content": "hello"}


async def batch(client: httpx2.AsyncClient, *rows: object) -> list[dict[str, Any]]:
    answer = await client.post(BATCH, json={"messages": rows})
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    assert len(results) == len(rows)
    return results


def outcomes(results: list[dict[str, Any]]) -> list[str | int]:
    """201, or the code of the refusal."""
    for each in results:
        assert (each["status"] == 201) == ("message" in each) == ("problem" not in each), each
    return [
        each.get("problem", each)["code" if "problem" in each else "status"] for each in results
    ]


class TestResults:
    async def test_each_row_is_what_a_message_alone_would_be(
        self, alice: Talker, bob: Talker
    ) -> None:
        [result] = await batch(alice.client, TO_BOB)

        sent = result["message"]
        assert (result["status"], result["replayed"]) == (201, False)
        assert (await alice.client.get(f"{MESSAGES}/{sent['id']}")).json() == sent
        assert (await bob.read())["items"][0]["message"]["id"] == sent["id"]

    async def test_a_thousand_in_their_order(self, alice: Talker, bob: Talker) -> None:
        rows = [TO_BOB | {"content": str(number)} for number in range(1000)]

        results = await batch(alice.client, *rows)

        assert outcomes(results) == [201] * 1000
        said = [each["message"]["content"] for each in results]
        assert said == [str(number) for number in range(1000)]
        seen: list[str | None] = []
        while len(seen) < 1000:
            page = await bob.read(limit=100, after=len(seen))
            assert numbers(page) == list(range(len(seen) + 1, len(seen) + 101))
            seen += [entry["message"]["content"] for entry in page["items"]]
        assert seen == said

    async def test_every_refusal_stands_where_its_row_stood(
        self, alice: Talker, bob: Talker, talkers: MakeTalker
    ) -> None:
        await talkers("shut", bob.owner, accepts="nobody")
        carol = await talkers("carol", bob.owner)
        listener = await room_of(carol, alice, name="lectures")
        path = f"/api/v1/rooms/{listener}/members/{alice.id}"
        await carol.client.patch(path, json={"role": "observer"})
        await room_of(carol, name="closed")
        await room_of(carol, name="private", visibility="private")
        gone = await room_of(carol, name="gone")
        await carol.client.delete(f"/api/v1/rooms/{gone}")
        most = MessageSettings().max_content_bytes
        expected: list[tuple[dict[str, Any], str | int]] = [
            ({}, 201),
            ({"to": ["agent:nobody-there"]}, "recipient_not_found"),
            ({"to": ["agent:bob", "agent:nobody-there"]}, "recipient_not_found"),
            ({"to": ["agent:shut"]}, "recipient_refuses"),
            ({"to": ["agent:alice"]}, "nobody_addressed"),
            ({"to": ["room:lectures"]}, "only_listens"),
            ({"to": ["room:closed"]}, "not_in_room"),
            ({"to": ["room:private"]}, "recipient_not_found"),
            ({"to": ["room:gone"]}, "room_closed"),
            ({"to": ["everyone"]}, "broadcast_not_allowed"),
            ({}, 201),
            ({"reply_to": str(uuid4())}, "reply_not_found"),
            ({"from_agent_id": str(bob.id)}, "not_your_participant"),
            ({"from_agent_id": str(uuid4())}, "not_your_participant"),
            ({"from_agent_id": str(alice.id)}, 201),
            ({"content": ""}, "validation_failed"),
            ({"content": "x" * (most + 1)}, "content_too_large"),
            ({"surprise": 1}, "validation_failed"),
            ({"to": []}, "validation_failed"),
            ({"to": "agent:bob"}, "validation_failed"),
            ({"to_agent_id": str(bob.id)}, "validation_failed"),
            ({"metadata": {"a": "x" * 17000}}, "validation_failed"),
            ({"idempotency_key": ""}, "invalid_idempotency_key"),
            ({"idempotency_key": "x" * 256}, "invalid_idempotency_key"),
            ({"idempotency_key": 7}, "validation_failed"),
            ({"expires_at": ahead(seconds=-1)}, "not_in_future"),
            ({"deliver_at": ahead(days=31)}, "not_in_future"),
            ({}, 201),
        ]

        results = await batch(alice.client, *(TO_BOB | change for change, _ in expected))

        assert outcomes(results) == [outcome for _, outcome in expected]
        assert (await bob.read())["last_seq"] == 4
        for each in results:
            if "problem" in each:
                assert each["problem"]["status"] == each["status"]
                assert "nobody-there" not in str(each)
                assert "surprise" not in str(each["problem"].get("detail"))

    async def test_a_row_names_the_nearest(self, alice: Talker, bob: Talker) -> None:
        del bob
        rows = [TO_BOB | {"to": ["agent:bobb"]} for _ in range(100)]

        results = await batch(alice.client, *rows)

        assert outcomes(results) == ["recipient_not_found"] * 100
        assert results[0]["problem"]["did_you_mean"] == ["bob"]

    async def test_a_user_speaks_for_several_agents_at_once(
        self, alice: Talker, bob: Talker, talkers: MakeTalker
    ) -> None:
        other = await talkers("other")
        senders = [None, alice.id, bob.id, other.id]
        rows = [TO_BOB | {"from_agent_id": each and str(each)} for each in senders]

        results = await batch(alice.owner.client, *rows)

        assert outcomes(results) == [201, 201, "not_your_participant", 201]
        names = [each["message"]["from_name"] for each in results if "message" in each]
        assert names == [alice.owner.username, "alice", "other"]

    async def test_rooms_and_agents_mixed(self, alice: Talker, bob: Talker) -> None:
        room_id = await room_of(alice, bob)
        rows = [TO_BOB, TO_BOB | {"to": ["room:ops"]}] * 10

        results = await batch(alice.client, *rows)

        assert outcomes(results) == [201] * 20
        page = await bob.read(limit=100)
        assert numbers(page) == list(range(1, 21))
        rooms = [entry["message"]["room_id"] for entry in page["items"]]
        assert rooms == [None, room_id] * 10


class TestWhatIsNoBatch:
    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"messages": []},
            {"messages": None},
            {"messages": {}},
            {"messages": [TO_BOB, 1]},
            {"messages": [TO_BOB, None]},
            {"messages": [TO_BOB, [TO_BOB]]},
            {"messages": [TO_BOB] * 1001},
            {"messages": [TO_BOB], "more": 1},
            [TO_BOB],
        ],
    )
    async def test_is_422_and_stores_nothing(
        self, alice: Talker, bob: Talker, body: object
    ) -> None:
        answer = await alice.client.post(BATCH, json=body)

        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
        assert (await bob.read())["last_seq"] == 0

    async def test_without_a_credential_nothing_is_sent(
        self, client: httpx2.AsyncClient, bob: Talker
    ) -> None:
        answer = await client.post(BATCH, json={"messages": [TO_BOB]})

        assert answer.status_code == 401
        assert (await bob.read())["last_seq"] == 0


class TestKeys:
    async def test_sent_again_it_is_answered_the_same(
        self, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        rows = [TO_BOB | {"idempotency_key": f"k{n}", "content": str(n)} for n in range(300)]

        first = await batch(alice.client, *rows)
        again = await batch(alice.client, *rows, TO_BOB)

        assert {each["replayed"] for each in first} == {False}
        assert [each["replayed"] for each in again] == [True] * 300 + [False]
        assert [each["message"] for each in again[:300]] == [each["message"] for each in first]
        assert await count(hub, "message") == (await bob.read())["last_seq"] == 301

    async def test_the_key_of_a_row_is_the_key_of_a_message(
        self, alice: Talker, bob: Talker
    ) -> None:
        alone = (await alice.send(bob, key="k")).json()

        results = await batch(
            alice.client,
            TO_BOB | {"idempotency_key": "k"},
            TO_BOB | {"idempotency_key": "k", "content": "other"},
        )
        back = await alice.send(bob, key="k")

        assert outcomes(results) == [201, "idempotency_key_reused"]
        assert (results[0]["message"], results[0]["replayed"]) == (alone, True)
        assert back.json() == alone

    async def test_twins_are_one_message(self, alice: Talker, bob: Talker) -> None:
        twin = TO_BOB | {"idempotency_key": "k"}

        results = await batch(alice.client, twin, TO_BOB, twin, twin | {"content": "other"}, twin)

        assert outcomes(results) == [201, 201, 201, "idempotency_key_reused", 201]
        assert len({results[place]["message"]["id"] for place in (0, 2, 4)}) == 1
        assert [each.get("replayed") for each in results] == [False, False, True, None, True]
        assert await heard(bob) == ["hello", "hello"]

    async def test_twins_are_refused_together_and_the_key_stays_free(
        self, alice: Talker, talkers: MakeTalker, bob: Talker
    ) -> None:
        twin = TO_BOB | {"to": ["agent:late"], "idempotency_key": "k"}

        refused = await batch(alice.client, twin, twin)
        late = await talkers("late", bob.owner)
        accepted = await batch(alice.client, twin, twin)

        assert outcomes(refused) == ["recipient_not_found"] * 2
        assert outcomes(accepted) == [201, 201]
        assert await heard(late) == ["hello"]

    async def test_keys_are_of_the_sender_of_the_row(self, alice: Talker, bob: Talker) -> None:
        row = TO_BOB | {"idempotency_key": "k"}

        results = await batch(alice.owner.client, row, row | {"from_agent_id": str(alice.id)})

        assert [each["replayed"] for each in results] == [False, False]
        assert (await bob.read())["last_seq"] == 2


class TestLimits:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        limits = MessageSettings(sends_per_minute=6, open_per_inbox=2)
        return settings.model_copy(update={"messages": limits})

    async def test_rows_count_as_messages(
        self, alice: Talker, bob: Talker, talkers: MakeTalker
    ) -> None:
        others = [await talkers(f"other-{number}") for number in range(4)]
        rows = [TO_BOB | {"to": [f"agent:{each.handle}"]} for each in others]

        results = await batch(alice.client, *rows, *rows)
        later = await alice.send(bob)

        assert outcomes(results) == [201] * 6 + ["send_limit"] * 2
        assert (later.status_code, later.json()["code"]) == (429, "send_limit")

    async def test_a_full_inbox_refuses_its_rows_alone(
        self, alice: Talker, bob: Talker, talkers: MakeTalker
    ) -> None:
        carol = await talkers("carol")
        await alice.send(bob)
        await alice.send(bob)

        results = await batch(alice.client, TO_BOB, TO_BOB | {"to": ["agent:carol"]})

        assert outcomes(results) == ["inbox_full", 201]
        assert ((await bob.read())["last_seq"], await heard(carol)) == (2, ["hello"])


async def test_a_row_that_the_database_refuses_fails_alone(
    alice: Talker, bob: Talker, hub: Resources, distributed: bool
) -> None:
    spoiled = {
        False: "CREATE TRIGGER spoiled BEFORE INSERT ON message WHEN new.content = 'poison'"
        " BEGIN SELECT raise(ABORT, 'spoiled'); END",
        True: "ALTER TABLE message ADD CONSTRAINT spoiled CHECK (content <> 'poison')",
    }
    async with hub.database.write() as session:
        await session.execute(text(spoiled[distributed]))
    rows = [TO_BOB | {"content": "poison" if number == 7 else "hello"} for number in range(20)]

    results = await batch(alice.client, *rows)

    assert outcomes(results) == [201] * 7 + ["internal"] + [201] * 12
    assert "spoiled" not in str(results[7])
    assert numbers(await bob.read()) == list(range(1, 20))


async def test_replies_join_their_threads(alice: Talker, bob: Talker) -> None:
    first = (await alice.send(bob)).json()
    await room_of(bob, alice)

    results = await batch(
        bob.client,
        {"to": ["agent:alice"], "content": "yes", "reply_to": first["id"]},
        {"to": ["room:ops"], "content": "yes", "reply_to": first["id"]},
    )

    assert outcomes(results) == [201, 201]
    assert {each["message"]["thread_id"] for each in results} == {first["id"]}
    assert (await say(alice, reply_to=results[1]["message"]["id"])).status_code == 201


class TestNoRoom:
    """More than the writer may still take over."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        messages = MessageSettings(queue_size=3, sends_per_minute=4)
        return settings.model_copy(update={"messages": messages})

    async def test_nothing_of_it_is_looked_at_or_counted(self, alice: Talker, bob: Talker) -> None:
        refused = await alice.client.post(BATCH, json={"messages": [TO_BOB] * 4})

        assert refused.status_code == 503
        assert refused.json()["code"] == "writer_busy"
        assert int(refused.headers["retry-after"]) > 0
        assert outcomes(await batch(alice.client, *[TO_BOB] * 3)) == [201] * 3
        assert (await alice.send(bob)).status_code == 201
        assert numbers(await bob.read()) == [1, 2, 3, 4]
