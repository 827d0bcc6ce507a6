"""What a client says over its socket, and what it is answered."""

import json
from typing import Any

import pytest

from tests.files import helpers as files
from tests.fixtures.people import Person
from tests.messages.conftest import Talker
from tests.realtime.conftest import Dial, inbox_of, key_of


class TestSending:
    async def test_is_acknowledged_once_it_is_stored(
        self, dial: Dial, alice: Talker, bob: Talker
    ) -> None:
        line = await dial(inbox_of(alice), key_of(alice))

        await line.say(type="send", id="one", to=["agent:bob"], content="hi")
        ack = await line.next()
        stored = (await bob.read())["items"][0]["message"]

        assert ack == {"type": "ack", "id": "one", "message_id": stored["id"], "state": "queued"}
        assert stored["from_agent_id"] == str(alice.id)

    async def test_without_an_id_it_is_called_by_that_of_the_message(
        self, dial: Dial, alice: Talker, bob: Talker
    ) -> None:
        line = await dial(inbox_of(alice), key_of(alice))

        await line.say(type="send", to_agent_id=str(bob.id), content="hi")
        ack = await line.next("ack")

        assert ack["id"] == (await bob.read())["items"][0]["message"]["id"]

    async def test_the_id_is_a_key_through_whatever_door(
        self, dial: Dial, alice: Talker, bob: Talker
    ) -> None:
        line = await dial(inbox_of(alice), key_of(alice))
        said = {"type": "send", "id": "k", "to": ["agent:bob"], "content": "hi"}
        await line.say(**said)
        first = await line.next("ack")
        await line.say(**said)
        again = await line.next("ack")
        by_http = await alice.send(bob, content="hi", key="k")
        await line.say(**(said | {"content": "other"}))
        error = await line.next("error")

        assert first == again
        assert by_http.json()["id"] == first["message_id"]
        assert by_http.headers["idempotency-replayed"] == "true"
        assert (error["id"], error["problem"]["code"]) == ("k", "idempotency_key_reused")
        assert (await bob.read())["last_seq"] == 1

    async def test_many_at_once_are_answered_in_order_and_stored_in_order(
        self, dial: Dial, alice: Talker, bob: Talker
    ) -> None:
        line = await dial(inbox_of(alice), key_of(alice))
        for number in range(50):
            await line.say(type="send", id=str(number), to=["agent:bob"], content=str(number))
        acks = [await line.next("ack") for _ in range(50)]
        page = await bob.read(limit=100)

        assert [ack["id"] for ack in acks] == [str(number) for number in range(50)]
        said = [item["message"]["content"] for item in page["items"]]
        assert said == [str(number) for number in range(50)]

    async def test_an_owner_speaks_as_the_agent(
        self, dial: Dial, alice: Talker, bob: Talker
    ) -> None:
        line = await dial(inbox_of(alice), str(alice.owner.tokens["access_token"]))

        await line.say(type="send", to=["agent:bob"], content="hi")
        await line.next("ack")

        assert (await bob.read())["items"][0]["message"]["from_agent_id"] == str(alice.id)

    async def test_files_go_along_and_are_shown_from_memory_as_from_the_tables(
        self, dial: Dial, alice: Talker, bob: Talker
    ) -> None:
        file, foreign = await files.sent(alice), await files.sent(bob)
        line = await dial(inbox_of(alice), key_of(alice))
        hearing = await dial(inbox_of(bob), key_of(bob))
        said = {"type": "send", "id": "k", "to": ["agent:bob"], "content": "hi"}

        await line.say(**said, file_ids=[foreign["id"]])
        error = await line.next("error")
        await line.say(**said, file_ids=[file["id"]])
        await line.next("ack")
        live = await hearing.next("message")
        late = await (await dial(f"{inbox_of(bob)}?after=0", key_of(bob))).next("message")

        assert error["problem"]["code"] == "file_not_found"
        assert live["message"] == late["message"] == (await bob.read())["items"][0]["message"]
        assert live["message"]["files"] == files.shown(file)

    async def test_to_everyone_by_whom_an_admin_lets(
        self, dial: Dial, admin: Person, alice: Talker, bob: Talker
    ) -> None:
        line = await dial(inbox_of(alice), key_of(alice))
        await line.say(type="send", id="1", to=["everyone"], content="all of you")
        refused = await line.next("error")
        path = f"/api/v1/agents/{alice.id}"
        await admin.client.patch(path, json={"may_broadcast": True})
        allowed = await dial(inbox_of(alice), key_of(alice))
        hearing = await dial(inbox_of(bob), key_of(bob))

        await allowed.say(type="send", id="2", to=["everyone"], content="all of you")

        assert refused["problem"]["code"] == "broadcast_not_allowed"
        assert (await allowed.next("ack"))["id"] == "2"
        assert (await hearing.next("message"))["message"]["content"] == "all of you"

    async def test_a_refusal_stores_nothing_and_the_socket_lives_on(
        self, dial: Dial, alice: Talker, bob: Talker
    ) -> None:
        line = await dial(inbox_of(alice), key_of(alice))

        await line.say(type="send", id="a", to=["agent:bop"], content="hi")
        nobody = await line.next("error")
        await line.say(
            type="send", id="b", from_agent_id=str(bob.id), to=["agent:bob"], content="x"
        )
        foreign = await line.next("error")
        await line.say(type="send", id="c", to=["agent:bob"], content="hi")

        assert nobody["problem"]["code"] == "recipient_not_found"
        assert nobody["problem"]["did_you_mean"] == ["bob"]
        assert foreign["problem"]["code"] == "not_your_participant"
        assert (await line.next())["id"] == "c"
        assert (await bob.read())["last_seq"] == 1

    async def test_whose_key_may_not_write(self, dial: Dial, alice: Talker) -> None:
        made = await alice.owner.client.post(
            "/api/v1/api-keys", json={"name": "r", "scopes": ["read"]}
        )
        line = await dial(inbox_of(alice), made.json()["key"])
        for kind in ("send", "ack", "read"):
            await line.say(type=kind, id="x", up_to=1, to=["agent:bob"], content="hi")
            assert (await line.next("error"))["problem"]["code"] == "scope_missing"


class TestMarking:
    async def test_ack_and_read(self, dial: Dial, alice: Talker, bob: Talker) -> None:
        ids = [(await alice.send(bob)).json()["id"] for _ in range(3)]
        line = await dial(inbox_of(bob), key_of(bob))
        await line.say(type="read", id="r", up_to=2)
        read = await line.next("ack")
        await line.say(type="ack", ids=[ids[2]])
        acked = await line.next("ack")
        entries = (await bob.read())["items"]

        assert (read, acked) == (
            {"type": "ack", "id": "r", "marked": 2},
            {"type": "ack", "id": None, "marked": 1},
        )
        assert [entry["state"] for entry in entries] == ["delivered", "delivered", "acked"]

    async def test_the_sender_hears_of_it(self, dial: Dial, alice: Talker, bob: Talker) -> None:
        sender = await dial(inbox_of(alice), key_of(alice))
        sent = (await alice.send(bob)).json()
        await bob.client.post(f"{bob.inbox}/read", json={"up_to": 1})
        read = await sender.next("state")
        await bob.client.post(f"{bob.inbox}/ack", json={"up_to": 1})
        acked = await sender.next("state")

        assert [each["delivery"]["state"] for each in (read, acked)] == ["delivered", "acked"]
        assert read["delivery"]["message_id"] == sent["id"]
        assert read["delivery"]["agent_id"] == str(bob.id)
        deliveries = await alice.client.get(f"/api/v1/messages/{sent['id']}/deliveries")
        assert read["delivery"]["id"] in deliveries.text


BAD: list[Any] = [
    "",
    "{",
    "[]",
    "1",
    "null",
    '{"type": "fly"}',
    "{}",
    '{"type": ["send"]}',
    '{"type": "send"}',
    '{"type": "send", "id": 7, "to": ["agent:bob"], "content": "x"}',
    '{"type": "ack"}',
    '{"type": "ack", "up_to": 99999999999999999999999}',
    '{"type": "send", "id": "\\ud800", "to": ["agent:bob"], "content": "x"}',
    '{"type": "send", "to": ["agent:bob"], "content": "\\u0000"}',
    '{"type": "send", "id": "' + "x" * 300 + '", "to": ["agent:bob"], "content": "x"}',
    '{"type": "typing"}',
    b"bytes",
    "[" * 5000,
    '{"a":' * 900 + "1" + "}" * 900,
]


class TestBadFrames:
    @pytest.mark.parametrize("said", BAD, ids=range(len(BAD)))
    async def test_are_answered_and_the_socket_lives_on(
        self, dial: Dial, bob: Talker, alice: Talker, said: str | bytes
    ) -> None:
        line = await dial(inbox_of(bob), key_of(bob))

        await line.socket.send(said)
        error = await line.next()
        await alice.send(bob)

        assert error["type"] == "error"
        assert 400 <= error["problem"]["status"] < 500
        assert (await line.next())["type"] == "message"

    async def test_nothing_is_echoed(self, dial: Dial, bob: Talker) -> None:
        line = await dial(inbox_of(bob), key_of(bob))

        await line.say(type="send", to=["agent:bob"], content=5, secret="hunter2")
        error = await line.next("error")

        assert "hunter2" not in json.dumps(error)

    async def test_twenty_of_them_end_it(self, dial: Dial, bob: Talker) -> None:
        line = await dial(inbox_of(bob), key_of(bob))
        for _ in range(20):
            await line.say(type="nonsense")

        code, reason = await line.closed()

        assert (code, reason) == (1008, "too many bad frames")

    async def test_a_pong_is_nothing_to_talk_about(self, dial: Dial, bob: Talker) -> None:
        line = await dial(inbox_of(bob), key_of(bob))

        await line.say(type="pong")

        assert await line.is_silent()
