"""Listing messages: what one sees, in which order, and at what cost."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import update

from hubbub.kit.pagination import write_cursor
from hubbub.kit.resources import Resources
from hubbub.messages.models import Delivery
from hubbub.messages.types import State
from tests.messages.conftest import MakeTalker, Talker

MESSAGES = "/api/v1/messages"


async def listed(client: httpx2.AsyncClient, **params: Any) -> list[str]:
    answer = await client.get(MESSAGES, params=params)
    assert answer.status_code == 200, answer.text
    return [each["content"] for each in answer.json()["items"]]


async def test_without_a_credential_nothing_is_listed(client: httpx2.AsyncClient) -> None:
    assert (await client.get(MESSAGES)).status_code == 401


async def test_what_was_sent_and_what_was_got_newest_first(alice: Talker, bob: Talker) -> None:
    sent = (await alice.send(bob, content="one")).json()
    await bob.send(alice, content="two")

    answer = (await alice.client.get(MESSAGES)).json()

    assert [each["content"] for each in answer["items"]] == ["two", "one"]
    assert answer["items"][1] == sent | {"snippet": None}
    assert (answer["next_cursor"], answer["indexed_until"]) == (None, None)


async def test_an_owner_sees_what_all_of_their_agents_see_each_once(
    alice: Talker, bob: Talker, talkers: MakeTalker
) -> None:
    carol = await talkers("carol")
    await alice.send(carol, content="between mine")
    await bob.send(alice, carol, content="to both of mine")
    body = {"to": [f"agent:{alice.owner.username}"], "content": "to myself"}
    await bob.client.post(MESSAGES, json=body)

    assert await listed(alice.owner.client) == ["to myself", "to both of mine", "between mine"]
    assert await listed(alice.owner.client, agent=alice.id) == ["to both of mine", "between mine"]
    assert await listed(bob.client) == ["to myself", "to both of mine"]


async def test_strangers_see_nothing_whatever_they_ask_for(
    alice: Talker, bob: Talker, talkers: MakeTalker
) -> None:
    sent = (await alice.send(bob)).json()
    eve = await talkers("eve")

    for params in ({}, {"agent": alice.id}, {"thread": sent["thread_id"]}, {"q": "hello"}):
        assert await listed(eve.client, **params) == []


async def test_pages_follow_each_other_and_what_comes_meanwhile_disturbs_none(
    alice: Talker, bob: Talker
) -> None:
    for number in range(7):
        await (
            alice.send(bob, content=str(number))
            if number % 2
            else bob.send(alice, content=str(number))
        )
    seen, params = [], {"limit": 3}

    while True:
        page = (await alice.client.get(MESSAGES, params=params)).json()
        seen += [each["content"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
        await alice.send(bob, content="later")

    assert seen == ["6", "5", "4", "3", "2", "1", "0"]


async def test_filters(alice: Talker, bob: Talker, talkers: MakeTalker) -> None:
    carol = await talkers("carol", bob.owner)
    first = (await alice.send(bob, content="first")).json()
    await alice.send(carol, content="second")
    third = (await bob.send(alice, content="third", reply_to=first["id"])).json()
    await alice.client.post(f"{alice.inbox}/ack", json={"ids": [third["id"]]})

    async def mine(**params: Any) -> list[str]:
        return await listed(alice.client, **params)

    assert await mine(agent=bob.id) == ["third", "first"]
    assert await mine(agent=carol.id) == ["second"]
    assert await mine(agent=uuid4()) == []
    assert await mine(thread=first["thread_id"]) == ["third", "first"]
    assert await mine(thread=first["thread_id"], agent=carol.id) == []
    assert await mine(since=third["created_at"]) == ["third"]
    assert await mine(until=third["created_at"]) == ["second", "first"]
    assert await mine(state="acked") == ["third"]
    assert await mine(state="queued", agent=bob.id) == ["first"]


@pytest.mark.parametrize(
    "params",
    [
        {"limit": 0},
        {"limit": 101},
        {"agent": "bob"},
        {"thread": "x"},
        {"since": "yesterday"},
        {"state": "gone"},
        {"q": "x" * 501},
    ],
)
async def test_what_is_no_value_is_422(alice: Talker, params: dict[str, Any]) -> None:
    assert (await alice.client.get(MESSAGES, params=params)).status_code == 422


@pytest.mark.parametrize(
    "when", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1969-12-31T00:00:00+14:00"]
)
async def test_the_ends_of_the_calendar_are_times_too(alice: Talker, when: str) -> None:
    for name in ("since", "until"):
        await listed(alice.client, **{name: when})


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "é",
        "A" * 500,
        "bnVsbA",
        write_cursor("messages"),
        write_cursor("messages", None),
        write_cursor("messages", 1),
        write_cursor("messages", "x"),
        write_cursor("messages", {"id": str(UUID(int=1))}),
        write_cursor("messages", UUID(int=1), UUID(int=2)),
        write_cursor("deliveries.incoming", UUID(int=1), UUID(int=2)),
    ],
)
@pytest.mark.parametrize("q", [None, "hello"])
async def test_a_cursor_that_was_not_given_out_is_refused(
    alice: Talker, cursor: str, q: str | None
) -> None:
    params = {"cursor": cursor} | ({"q": q} if q else {})

    answer = await alice.client.get(MESSAGES, params=params)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize("place", [-(2**63), 2**63 - 1, 2**63, "1", True, 1.5])
async def test_any_number_in_a_cursor_is_borne(alice: Talker, place: object) -> None:
    params = {"q": "hello", "cursor": write_cursor("messages.search", place)}

    answer = await alice.client.get(MESSAGES, params=params)

    assert answer.status_code in {200, 400}


class TestTombstones:
    async def test_who_got_it_too_late_reads_it_nowhere(
        self, alice: Talker, bob: Talker, talkers: MakeTalker
    ) -> None:
        carol = await talkers("carol", bob.owner)
        sent = (await alice.send(bob, carol, content="taken back")).json()
        await carol.client.post(f"{carol.inbox}/ack", json={"up_to": 1})
        await alice.client.delete(f"{MESSAGES}/{sent['id']}")

        for path in ("", "/thread", "/deliveries"):
            assert (await bob.client.get(f"{MESSAGES}/{sent['id']}{path}")).status_code == 404
        assert await listed(bob.client) == []
        assert await listed(bob.client, thread=sent["thread_id"]) == []
        for reader in (alice.client, carol.client, bob.owner.client):
            assert await listed(reader) == ["taken back"]
            assert (await reader.get(f"{MESSAGES}/{sent['id']}")).status_code == 200

    async def test_an_expired_one_is_left_to_its_sender(
        self, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        sent = (await alice.send(bob, content="too late")).json()
        async with hub.database.write() as session:
            await session.execute(update(Delivery).values(state=State.EXPIRED))

        assert (await bob.client.get(f"{MESSAGES}/{sent['id']}")).status_code == 404
        assert await listed(bob.client) == []
        assert await listed(alice.client, state="expired") == ["too late"]


@pytest.mark.parametrize("path", [MESSAGES, f"{MESSAGES}/overdue", "/api/v1/deliveries"])
async def test_a_page_of_many_takes_as_many_statements_as_one_of_few(
    alice: Talker, bob: Talker, talkers: MakeTalker, statements: list[str], path: str
) -> None:
    async def cost() -> int:
        await alice.owner.client.get(path)
        statements.clear()
        answer = await alice.owner.client.get(path)
        assert answer.status_code == 200
        return len(statements)

    await alice.send(bob, ack_by=datetime.now(UTC).isoformat().replace("20", "21", 1))
    await bob.send(alice)
    few = await cost()
    for number in range(4):
        mine = await talkers(f"mine-{number}")
        for _ in range(3):
            await mine.send(bob, alice)
    assert 1 <= few == await cost()
