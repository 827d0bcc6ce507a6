"""What is said in rooms: who may say it, who gets it, who sees it."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from hubbub.app import create_app
from hubbub.settings import Settings
from tests.messages.conftest import MakeTalker, Talker
from tests.messages.helpers import (
    MESSAGES,
    ROOMS,
    act,
    heard,
    history,
    join,
    numbers,
    refusal,
    room_of,
    say,
    texts,
)

type Team = tuple[Talker, Talker, Talker]


@pytest.fixture
async def team(alice: Talker, bob: Talker, talkers: MakeTalker) -> Team:
    return alice, bob, await talkers("carol")


class TestSaying:
    async def test_each_member_gets_it_once_and_the_sender_not(self, team: Team) -> None:
        alice, bob, carol = team
        room_id = await room_of(alice, bob, carol)

        answer = await say(bob)

        assert answer.status_code == 201
        sent = answer.json()
        assert (sent["room_id"], sent["to"], sent["to_agent_id"]) == (room_id, ["room:ops"], None)
        assert (await bob.client.get(f"{MESSAGES}/{sent['id']}")).json() == sent
        assert [await heard(each) for each in team] == [["hello"], [], ["hello"]]
        assert (await alice.read())["items"][0]["message"]["room_id"] == room_id

    async def test_a_room_and_agents_together_are_one_delivery_for_each(
        self, team: Team, talkers: MakeTalker
    ) -> None:
        alice, bob, carol = team
        dora = await talkers("dora")
        await room_of(alice, bob, carol)

        sent = await say(alice, to=["room:OPS", "agent:bob", "agent:dora", "agent:alice"])

        deliveries = await alice.client.get(f"{MESSAGES}/{sent.json()['id']}/deliveries")
        assert {each["agent_id"] for each in deliveries.json()["items"]} == {
            str(each.id) for each in (bob, carol, dora)
        }
        assert [(await each.read())["last_seq"] for each in (*team, dora)] == [0, 1, 1, 1]

    async def test_one_who_refuses_keeps_all_of_it_back(
        self, team: Team, talkers: MakeTalker
    ) -> None:
        alice, bob, _ = team
        await talkers("shut", bob.owner, accepts="nobody")
        room_id = await room_of(alice, bob)

        answer = await say(alice, to=["room:ops", "agent:shut"])

        assert refusal(answer) == (403, "recipient_refuses")
        assert (await heard(bob), texts(await history(bob, room_id))) == ([], [])

    async def test_being_in_a_room_is_consent(self, team: Team, talkers: MakeTalker) -> None:
        alice, bob, _ = team
        shut = await talkers("shut", bob.owner, accepts="nobody")
        await room_of(alice, shut)
        path = f"/api/v1/agents/{shut.id}/blocks"
        assert (await bob.owner.client.post(path, json={"other": "alice"})).status_code < 300

        await say(alice)

        assert await heard(shut) == ["hello"]

    async def test_who_is_muted_hears_nothing_and_can_read_it(self, team: Team) -> None:
        alice, bob, carol = team
        room_id = await room_of(alice, bob, carol)
        await act(bob, room_id, "mute", muted=True)
        await say(alice, "one")
        await act(bob, room_id, "mute", muted=False)
        await say(alice, "two")

        assert (await heard(bob), await heard(carol)) == (["two"], ["one", "two"])
        assert texts(await history(bob, room_id)) == ["one", "two"]

    async def test_alone_in_a_room_one_still_says_it(self, alice: Talker) -> None:
        room_id = await room_of(alice)

        answer = await say(alice)

        assert (answer.status_code, answer.json()["delivered"]) == (201, False)
        assert texts(await history(alice, room_id)) == ["hello"]

    async def test_a_person_speaks_as_themselves_or_as_their_agent(self, alice: Talker) -> None:
        room_id = await room_of(alice)
        body: dict[str, Any] = {"to": ["room:ops"], "content": "x"}

        outside = await alice.owner.client.post(MESSAGES, json=body)
        through = await alice.owner.client.post(
            MESSAGES, json=body | {"from_agent_id": str(alice.id)}
        )
        await alice.owner.client.post(f"{ROOMS}/{room_id}/join")
        inside = await alice.owner.client.post(MESSAGES, json=body)

        assert refusal(outside) == (403, "not_in_room")
        assert (through.status_code, inside.status_code) == (201, 201)
        assert await heard(alice) == ["x"]

    async def test_a_replay_is_said_once(self, team: Team) -> None:
        alice, bob, carol = team
        room_id = await room_of(alice, bob)

        first = await say(alice, key="k")
        await join(carol, room_id)
        again = await say(alice, key="k")

        assert again.json() == first.json()
        assert again.headers["idempotency-replayed"] == "true"
        assert (await heard(bob), await heard(carol)) == (["hello"], [])
        assert numbers(await history(alice, room_id)) == [1]


class TestRefusals:
    async def test_observers_listen(self, team: Team) -> None:
        alice, bob, _ = team
        room_id = await room_of(alice, bob)
        path = f"{ROOMS}/{room_id}/members/{bob.id}"
        assert (await alice.client.patch(path, json={"role": "observer"})).status_code == 200

        answer = await say(bob)
        await say(alice)

        assert refusal(answer) == (403, "only_listens")
        assert await heard(bob) == ["hello"]

    async def test_outsiders_of_a_public_room_are_told_to_join(self, team: Team) -> None:
        alice, bob, _ = team
        room_id = await room_of(alice)

        assert refusal(await say(bob)) == (403, "not_in_room")
        assert texts(await history(alice, room_id)) == []

    async def test_a_private_room_is_unknown_to_outsiders(self, team: Team) -> None:
        alice, bob, _ = team
        await room_of(alice, name="secret", visibility="private")
        await room_of(alice, name="secrets")

        answers = [await say(bob, room=name) for name in ("secret", "secre", "nothing-like-it")]

        for answer in answers:
            assert refusal(answer) == (404, "recipient_not_found")
            assert "secret" not in answer.json().get("did_you_mean", [])
        assert answers[1].json()["did_you_mean"] == ["secrets"]

    async def test_nothing_is_said_in_a_deleted_room(self, team: Team) -> None:
        alice, bob, carol = team
        room_id = await room_of(alice, bob)
        await say(alice)
        assert (await alice.client.delete(f"{ROOMS}/{room_id}")).status_code == 204

        assert refusal(await say(alice)) == (410, "room_closed")
        assert refusal(await say(carol)) == (410, "room_closed")
        assert texts(await history(bob, room_id)) == ["hello"]

    @pytest.mark.parametrize(
        "to",
        [
            ["room:ops", "room:other"],
            ["room:ops", "everyone"],
            ["room:"],
            ["room:a b"],
            ["Room:ops"],
            ["room:" + "a" * 65],
        ],
    )
    async def test_one_room_by_its_name(self, alice: Talker, to: list[str]) -> None:
        await room_of(alice)

        assert refusal(await say(alice, to=to)) == (422, "validation_failed")


class TestNumbers:
    async def test_without_gaps_from_many_at_once(self, team: Team) -> None:
        room_id = await room_of(*team)

        answers = await asyncio.gather(
            *(say(each, f"{each.handle} {n}") for n in range(15) for each in team),
            *(say(team[0], room="nowhere") for _ in range(15)),
        )

        page = await history(team[0], room_id, limit=100)
        assert sorted(answer.status_code for answer in answers) == [201] * 45 + [404] * 15
        assert numbers(page) == list(range(1, 46))
        for each in team:
            inbox = await each.read(limit=100)
            assert numbers(inbox) == list(range(1, 31))
            others = [text for text in texts(page) if text and not text.startswith(each.handle)]
            assert texts(inbox) == others  # the same order for everybody

    async def test_several_processes(self, team: Team, settings: Settings) -> None:
        """An embedded hub is one process; the others have as many as they like."""
        alice, bob, carol = team
        room_id = await room_of(*team)
        async with AsyncExitStack() as stack:
            others = [another_process(settings, alice) for _ in range(3)]
            clients = [alice.client]
            if not settings.embedded:
                clients += [await stack.enter_async_context(each) for each in others]

            async def say_some(client: httpx2.AsyncClient) -> None:
                for number in range(20):
                    body = {"to": ["room:ops", "agent:bob"], "content": str(number)}
                    assert (await client.post(MESSAGES, json=body)).status_code == 201

            await asyncio.gather(*map(say_some, clients * 2))

        total = 40 * len(clients)
        for reader in (bob, carol):
            seen: list[int] = []
            cursor: str | None = None
            while len(seen) < total:
                params = {"after": cursor} if cursor else {}
                page = await history(reader, room_id, limit=100, **params)
                seen += numbers(page)
                cursor = page["next_cursor"]
            assert seen == list(range(1, total + 1))
            assert (await reader.read())["last_seq"] == total


class another_process:  # noqa: N801 - used like a function
    """What a second server on the same database is to a client."""

    def __init__(self, settings: Settings, talker: Talker) -> None:
        self._app = create_app(settings)
        self._headers = dict(talker.client.headers)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> httpx2.AsyncClient:
        app: FastAPI = self._app
        await self._stack.enter_async_context(app.router.lifespan_context(app))
        return await self._stack.enter_async_context(
            httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app, raise_app_exceptions=False),
                base_url="http://localhost",
                headers=self._headers,
            )
        )

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()


class TestReplies:
    async def test_by_a_member_who_joined_later(self, team: Team) -> None:
        alice, bob, carol = team
        room_id = await room_of(alice, bob)
        first = (await say(alice)).json()
        await join(carol, room_id)

        reply = await say(carol, "late", reply_to=first["id"])

        assert (reply.status_code, reply.json()["thread_id"]) == (201, first["id"])
        thread = await bob.client.get(f"{MESSAGES}/{first['id']}/thread")
        assert [each["content"] for each in thread.json()] == ["hello", "late"]

    async def test_only_to_what_one_may_read(self, team: Team) -> None:
        alice, bob, carol = team
        room_id = await room_of(alice, bob, visibility="private", history="joined")
        before = (await say(alice)).json()
        await join(carol, room_id, invited_by=alice)
        after = (await say(alice)).json()

        answers = [await say(carol, reply_to=each["id"]) for each in (before, after)]
        outsider = await alice.owner.client.post(
            MESSAGES,
            json={"to": ["agent:alice"], "content": "x", "reply_to": before["id"]},
        )

        assert refusal(answers[0]) == (404, "reply_not_found")
        assert answers[1].status_code == 201
        # the person isn't in the room: its agent is
        assert refusal(outsider) == (404, "reply_not_found")


class TestSeeing:
    async def test_of_a_public_room_members_see_all_and_others_nothing(self, team: Team) -> None:
        alice, bob, carol = team
        room_id = await room_of(alice)
        sent = (await say(alice)).json()
        path = f"{MESSAGES}/{sent['id']}"

        before = await bob.client.get(path)
        await join(bob, room_id)
        after = await bob.client.get(path)
        owner = await bob.owner.client.get(path)

        assert (before.status_code, after.status_code, owner.status_code) == (404, 200, 200)
        for more in ("", "/thread", "/deliveries"):
            assert (await carol.client.get(f"{path}{more}")).status_code == 404

    async def test_who_left_keeps_what_came_to_them_and_no_more(self, team: Team) -> None:
        alice, bob, carol = team
        room_id = await room_of(alice)
        early = (await say(alice, "early")).json()
        await join(bob, room_id)
        theirs = (await say(alice, "theirs")).json()
        await act(bob, room_id, "leave")
        late = (await say(alice, "late")).json()

        seen = [
            (await bob.client.get(f"{MESSAGES}/{each['id']}")).status_code
            for each in (early, theirs, late)
        ]

        assert seen == [404, 200, 404]
        assert await heard(bob) == ["theirs"]
        answer = await bob.client.get(f"{ROOMS}/{room_id}/messages")
        assert refusal(answer) == (403, "not_in_room")
        assert (await carol.client.get(f"{MESSAGES}/{theirs['id']}")).status_code == 404

    async def test_of_a_private_room_from_joining_on(self, team: Team) -> None:
        alice, bob, carol = team
        room_id = await room_of(alice, bob, visibility="private", history="joined")
        early = (await say(alice, "early")).json()
        await join(carol, room_id, invited_by=alice)
        late = (await say(alice, "late")).json()

        seen = [
            (await carol.client.get(f"{MESSAGES}/{each['id']}")).status_code
            for each in (early, late)
        ]
        page = await history(carol, room_id)

        assert seen == [404, 200]
        assert (texts(page), page["first_seq"], page["last_seq"]) == (["late"], 2, 2)


class TestWithdrawing:
    async def test_leaves_a_tombstone_in_the_room(self, team: Team) -> None:
        alice, bob, carol = team
        room_id = await room_of(*team)
        sent = (await say(alice, "oops")).json()
        await carol.client.post(f"{carol.inbox}/ack", json={"up_to": 1})

        answer = await alice.client.delete(f"{MESSAGES}/{sent['id']}")

        states = {each["agent_id"]: each["state"] for each in answer.json()["items"]}
        assert states == {str(bob.id): "withdrawn", str(carol.id): "acked"}
        for reader in team:
            page = await history(reader, room_id)
            assert (numbers(page), texts(page)) == ([1], [None])
        seen = [(await each.client.get(f"{MESSAGES}/{sent['id']}")).status_code for each in team]
        assert seen == [200, 404, 200]

    async def test_what_nobody_heard_can_be_taken_back_once(self, alice: Talker) -> None:
        room_id = await room_of(alice)
        sent = (await say(alice, "oops")).json()

        answers = [await alice.client.delete(f"{MESSAGES}/{sent['id']}") for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 409]
        assert texts(await history(alice, room_id)) == [None]

    async def test_what_all_have_stays(self, team: Team) -> None:
        alice, bob, _ = team
        room_id = await room_of(alice, bob)
        sent = (await say(alice)).json()
        await bob.client.post(f"{bob.inbox}/read", json={"up_to": 1})

        answer = await alice.client.delete(f"{MESSAGES}/{sent['id']}")

        assert refusal(answer) == (409, "not_withdrawable")
        assert texts(await history(bob, room_id)) == ["hello"]
