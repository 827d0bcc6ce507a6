import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx2
import pytest

from hubbub.settings import MessageSettings, Settings
from tests.fixtures.people import Person
from tests.messages.conftest import MakeTalker, Talker

MESSAGES = "/api/v1/messages"


class TestSending:
    async def test_a_message_is_stored_with_its_delivery(self, alice: Talker, bob: Talker) -> None:
        answer = await alice.send(bob, metadata={"a": [1, None]}, priority="high")

        assert answer.status_code == 201
        sent = answer.json()
        assert (sent["from_agent_id"], sent["from_name"]) == (str(alice.id), "alice")
        assert (sent["to"], sent["to_agent_id"]) == (["agent:bob"], str(bob.id))
        assert (sent["delivered"], sent["thread_id"]) == (False, sent["id"])
        again = await alice.client.get(f"{MESSAGES}/{sent['id']}")
        assert again.json() == sent
        entry = (await bob.read())["items"][0]
        assert (entry["seq"], entry["state"]) == (1, "queued")
        assert entry["message"]["metadata"] == {"a": [1, None]}

    async def test_by_id_as_well(self, alice: Talker, bob: Talker) -> None:
        body = {"to_agent_id": str(bob.id), "content": "hello"}

        answer = await alice.client.post(MESSAGES, json=body)

        assert answer.status_code == 201
        assert (await bob.read())["last_seq"] == 1

    async def test_one_delivery_for_each_however_often_addressed_and_none_for_the_sender(
        self, alice: Talker, bob: Talker, talkers: MakeTalker
    ) -> None:
        carol = await talkers("carol")

        await alice.send(bob, bob, carol, alice)

        assert [(await each.read())["last_seq"] for each in (alice, bob, carol)] == [0, 1, 1]

    async def test_a_handle_is_found_in_any_case(self, alice: Talker, bob: Talker) -> None:
        answer = await alice.client.post(MESSAGES, json={"to": ["agent:BoB"], "content": "x"})

        assert answer.json()["to_agent_id"] == str(bob.id)

    async def test_a_person_sends_with_his_own_credential(
        self, authenticated_user: Person, bob: Talker
    ) -> None:
        body = {"to": ["agent:bob"], "content": "from a person"}

        answer = await authenticated_user.client.post(MESSAGES, json=body)

        assert answer.json()["from_name"] == authenticated_user.username
        assert (await bob.read())["last_seq"] == 1

    async def test_a_person_speaks_for_the_agents_that_are_his_and_no_other(
        self, alice: Talker, bob: Talker
    ) -> None:
        body = {"to": ["agent:bob"], "content": "x"}
        own = await alice.owner.client.post(MESSAGES, json=body | {"from_agent_id": str(alice.id)})
        other = await alice.owner.client.post(
            MESSAGES, json=body | {"from_agent_id": str(bob.id), "to": ["agent:alice"]}
        )
        pretending = await alice.client.post(MESSAGES, json=body | {"from_agent_id": str(bob.id)})

        assert (own.status_code, own.json()["from_name"]) == (201, "alice")
        assert other.json()["code"] == pretending.json()["code"] == "not_your_participant"

    async def test_without_a_credential_nothing_is_sent(
        self, client: httpx2.AsyncClient, bob: Talker
    ) -> None:
        body = {"to": ["agent:bob"], "content": "x"}
        nobody = await client.post(MESSAGES, json=body)
        wrong = await client.post(MESSAGES, json=body, headers={"X-API-Key": "agt_wrong"})

        assert (nobody.status_code, wrong.status_code) == (401, 401)
        assert (await bob.read())["last_seq"] == 0


class TestRefusals:
    async def test_an_unknown_name_stores_nothing_and_names_the_nearest(
        self, alice: Talker, bob: Talker, talkers: MakeTalker
    ) -> None:
        await talkers("bobby")

        answer = await alice.client.post(
            MESSAGES, json={"to": ["agent:bob", "agent:bobb"], "content": "x"}
        )

        assert (answer.status_code, answer.json()["code"]) == (404, "recipient_not_found")
        assert set(answer.json()["did_you_mean"]) >= {"bob", "bobby"}
        assert (await bob.read())["last_seq"] == 0

    async def test_an_unknown_id_is_404(self, alice: Talker) -> None:
        answer = await alice.client.post(
            MESSAGES, json={"to_agent_id": str(uuid4()), "content": "x"}
        )

        assert answer.status_code == 404

    async def test_to_oneself_alone_is_to_nobody(self, alice: Talker) -> None:
        assert (await alice.send(alice)).json()["code"] == "nobody_addressed"

    async def test_a_policy_is_enforced_for_all_or_nothing(
        self, alice: Talker, bob: Talker, talkers: MakeTalker, other_user: Person
    ) -> None:
        await talkers("private", other_user, accepts="owner")
        private = await bob.client.post(MESSAGES, json={"to": ["agent:private"], "content": "x"})

        refused = await alice.client.post(
            MESSAGES, json={"to": ["agent:bob", "agent:private"], "content": "x"}
        )

        assert private.status_code == 201
        assert (refused.status_code, refused.json()["code"]) == (403, "recipient_refuses")
        assert (await bob.read())["last_seq"] == 0

    async def test_who_is_blocked_is_refused(self, alice: Talker, bob: Talker) -> None:
        blocked = await bob.owner.client.post(
            f"/api/v1/agents/{bob.id}/blocks", json={"other": "alice"}
        )

        answer = await alice.send(bob)

        assert blocked.status_code in {200, 201, 204}, blocked.text
        assert answer.json()["code"] == "recipient_refuses"

    @pytest.mark.parametrize(
        "change",
        [
            {"content": ""},
            {"content": None},
            {"content": "nul\x00"},
            {"to": []},
            {"to": ["bob"]},
            {"to": ["agent:" + "a" * 65]},
            {"to": ["team:x"]},
            {"to_agent_id": "x"},
            {"metadata": []},
            {"metadata": {"a": "x" * 17000}},
            {"content_type": "text/html"},
            {"content_type": "application/json", "content": "{"},
            {"priority": "now"},
            {"reply_to": 1},
            {"surprise": 1},
        ],
    )
    async def test_what_is_not_acceptable_is_422(
        self, alice: Talker, bob: Talker, change: dict[str, object]
    ) -> None:
        body = {"to": ["agent:bob"], "content": "hello"} | change

        answer = await alice.client.post(MESSAGES, json=body)

        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
        assert (await bob.read())["last_seq"] == 0

    async def test_a_large_content_is_refused_and_one_just_fitting_is_not(
        self, alice: Talker, bob: Talker
    ) -> None:
        most = MessageSettings().max_content_bytes
        fitting = await alice.send(bob, content="ä" * (most // 2))
        large = await alice.send(bob, content="ä" * (most // 2) + "a")

        assert fitting.status_code == 201
        assert (large.status_code, large.json()["code"]) == (413, "content_too_large")

    async def test_times_lie_ahead(self, alice: Talker, bob: Talker) -> None:
        past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()

        for name in ("expires_at", "ack_by"):
            assert (await alice.send(bob, **{name: past})).json()["code"] == "not_in_future"


class TestIdempotency:
    async def test_the_same_again_is_stored_once_and_answered_the_same(
        self, alice: Talker, bob: Talker
    ) -> None:
        first = await alice.send(bob, key="k")
        await bob.client.post(f"{bob.inbox}/ack", json={"up_to": 1})
        again = await alice.send(bob, key="k")

        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["idempotency-replayed"] == "true"
        assert "idempotency-replayed" not in first.headers
        assert (await bob.read())["last_seq"] == 1

    async def test_another_body_under_the_key_is_409(self, alice: Talker, bob: Talker) -> None:
        await alice.send(bob, key="k")

        other = await alice.send(bob, key="k", content="other")

        assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")

    async def test_how_it_was_written_does_not_matter(self, alice: Talker, bob: Talker) -> None:
        headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
        one = b'{"to": ["agent:bob"], "content": "x", "metadata": {"a": 1, "b": 2}}'
        two = b'{"metadata":{"b":2,"a":1},"content":"x","to":["agent:bob"],"priority":"normal"}'

        answers = [
            await alice.client.post(MESSAGES, content=body, headers=headers) for body in (one, two)
        ]

        assert answers[0].json()["id"] == answers[1].json()["id"]
        assert (await bob.read())["last_seq"] == 1

    async def test_parallel_sends_make_one_message(self, alice: Talker, bob: Talker) -> None:
        answers = await asyncio.gather(*(alice.send(bob, key="k") for _ in range(32)))

        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert (await bob.read())["last_seq"] == 1

    async def test_keys_of_others_are_others(self, alice: Talker, bob: Talker) -> None:
        await alice.send(bob, key="k")
        await bob.send(alice, key="k")

        assert (await alice.read())["last_seq"] == (await bob.read())["last_seq"] == 1

    async def test_a_refusal_does_not_use_a_key_up(self, alice: Talker, bob: Talker) -> None:
        headers = {"Idempotency-Key": "k"}
        refused = await alice.client.post(
            MESSAGES, json={"to": ["agent:nobody"], "content": "x"}, headers=headers
        )

        assert refused.status_code == 404
        assert (await alice.send(bob, key="k")).status_code == 201

    @pytest.mark.parametrize("key", ["", "a" * 256, "tab\t"])
    async def test_a_key_is_printable_and_fits(self, alice: Talker, bob: Talker, key: str) -> None:
        answer = await alice.send(bob, key=key)

        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_idempotency_key")


class TestThreads:
    async def test_a_reply_joins_the_thread(self, alice: Talker, bob: Talker) -> None:
        first = (await alice.send(bob)).json()
        reply = (await bob.send(alice, reply_to=first["id"])).json()

        thread = await alice.client.get(f"{MESSAGES}/{reply['id']}/thread")

        assert reply["thread_id"] == first["id"]
        assert [each["id"] for each in thread.json()] == [first["id"], reply["id"]]

    async def test_only_what_one_has_seen_can_be_answered(
        self, alice: Talker, bob: Talker, talkers: MakeTalker
    ) -> None:
        first = (await alice.send(bob)).json()
        carol = await talkers("carol")

        answer = await carol.send(alice, reply_to=first["id"])

        assert (answer.status_code, answer.json()["code"]) == (404, "reply_not_found")

    class TestHops:
        @pytest.fixture
        def settings(self, settings: Settings) -> Settings:
            return settings.model_copy(update={"messages": MessageSettings(max_hops=3)})

        async def test_agents_alone_are_stopped_and_a_person_starts_anew(
            self, alice: Talker, bob: Talker
        ) -> None:
            last = (await alice.send(bob)).json()["id"]
            pair = [bob, alice]
            for number in range(3):
                answer = await pair[number % 2].send(pair[1 - number % 2], reply_to=last)
                last = answer.json()["id"]
            stopped = await alice.send(bob, reply_to=last)
            person = await alice.owner.client.post(
                MESSAGES,
                json={
                    "from_agent_id": None,
                    "to": ["agent:bob"],
                    "content": "go on",
                },
            )
            again = await bob.client.post(
                MESSAGES,
                json={
                    "to": [f"agent:{alice.owner.username}"],
                    "content": "yes",
                    "reply_to": person.json()["id"],
                },
            )

            assert (stopped.status_code, stopped.json()["code"]) == (409, "hop_limit")
            assert again.status_code == 201


class TestLimits:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        limits = MessageSettings(sends_per_minute=5, open_per_inbox=3)
        return settings.model_copy(update={"messages": limits})

    async def test_a_full_inbox_takes_no_more_until_it_is_acknowledged(
        self, alice: Talker, bob: Talker
    ) -> None:
        statuses = [(await alice.send(bob)).status_code for _ in range(4)]
        await bob.client.post(f"{bob.inbox}/ack", json={"up_to": 1})
        after = await alice.send(bob)

        assert (statuses, after.status_code) == ([201, 201, 201, 429], 201)

    async def test_who_sends_too_much_is_told_so(
        self, alice: Talker, bob: Talker, talkers: MakeTalker
    ) -> None:
        carol = await talkers("carol")
        for _ in range(3):
            await alice.send(bob)
            last = await alice.send(carol)

        assert (last.status_code, last.json()["code"]) == (429, "send_limit")
        assert int(last.headers["retry-after"]) <= 60
