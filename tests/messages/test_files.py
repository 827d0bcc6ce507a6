"""Files on messages: sent by whatever door, shown wherever the message is. Who sees the files
themselves is in tests/files/test_attached.py."""

from typing import Any

from fastapi import FastAPI

from hubbub.files.errors import FileNotFound
from hubbub.kit.ids import new_id
from hubbub.kit.resources import Resources
from hubbub.messages.state import MessageState
from hubbub.messages.writer.draft import Stored
from tests.files.helpers import path, sees, sent, shown
from tests.fixtures.people import Person
from tests.fixtures.waiting import eventually
from tests.messages.conftest import Talker
from tests.messages.helpers import (
    BATCH,
    MESSAGES,
    ahead,
    count,
    history,
    let_come_due,
    refusal,
    room_of,
    say,
)
from tests.messages.test_writer import draft

type Made = dict[str, Any]


def of(page: Made) -> list[Made]:
    files: list[Made] = page["items"][0]["message"]["files"]
    return files


class TestShown:
    async def test_wherever_the_message_is(self, alice: Talker, bob: Talker) -> None:
        files = [await sent(alice, name=f"{number}.txt") for number in range(10)]
        ids = [each["id"] for each in files]
        room_id = await room_of(alice, bob)

        answer = await say(alice, content="Zanzibar", file_ids=ids)

        message = answer.json()
        assert message["files"] == shown(*files)
        place = f"{MESSAGES}/{message['id']}"
        assert (await bob.client.get(place)).json()["files"] == shown(*files)
        [in_thread] = (await bob.client.get(f"{place}/thread")).json()
        assert in_thread["files"] == shown(*files)
        assert of(await bob.read()) == shown(*files)
        assert of(await history(bob, room_id)) == shown(*files)
        [listed] = (await bob.client.get(MESSAGES)).json()["items"]
        assert listed["files"] == shown(*files)

        async def is_found() -> bool:
            found = (await bob.client.get(MESSAGES, params={"q": "zanzibar"})).json()["items"]
            return [each["files"] for each in found] == [shown(*files)]

        await eventually(is_found)

    async def test_none_where_there_are_none(self, alice: Talker, bob: Talker) -> None:
        plain = (await alice.send(bob)).json()
        empty = (await alice.send(bob, file_ids=[])).json()

        assert plain["files"] == empty["files"] == []
        assert (await bob.client.get(f"{MESSAGES}/{plain['id']}")).json()["files"] == []
        assert of(await bob.read()) == []

    async def test_as_it_was_also_when_the_file_is_deleted(
        self, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        file = await sent(alice)
        message = (await alice.send(bob, file_ids=[file["id"]])).json()

        assert (await alice.client.delete(path(file))).status_code == 204

        assert of(await bob.read()) == shown(file)
        assert (await bob.client.get(f"{MESSAGES}/{message['id']}")).json()["files"] == shown(file)
        assert not await sees(bob, file)
        assert await count(hub, "attachment") == 0


class TestSent:
    async def test_by_a_user_for_an_agent_and_the_other_way_round(
        self, alice: Talker, bob: Talker
    ) -> None:
        theirs, agents = await sent(alice.owner), await sent(alice)
        owner = alice.owner.client
        body = {"to": ["agent:bob"], "content": "hi", "file_ids": [theirs["id"], agents["id"]]}

        as_agent = await owner.post(MESSAGES, json=body | {"from_agent_id": str(alice.id)})
        in_person = await owner.post(MESSAGES, json=body)
        by_agent = await alice.client.post(MESSAGES, json=body)

        assert as_agent.json()["files"] == in_person.json()["files"] == shown(theirs, agents)
        assert refusal(by_agent) == (404, "file_not_found"), "an agent has what it sent in itself"
        assert await sees(bob, theirs)

    async def test_each_row_of_a_batch_has_its_own(self, alice: Talker, bob: Talker) -> None:
        one, two = await sent(alice), await sent(alice, name="two.txt")
        foreign = await sent(bob)
        rows = [
            {
                "to": ["agent:bob"],
                "content": str(number),
                "file_ids": [each["id"] for each in files],
            }
            for number, files in enumerate([[one], [], [two, one], [one, foreign]])
        ]

        answer = await alice.client.post(BATCH, json={"messages": rows})

        results = answer.json()["results"]
        assert [each["status"] for each in results] == [201, 201, 201, 404]
        assert results[3]["problem"]["code"] == "file_not_found"
        files = [each["message"]["files"] for each in results[:3]]
        assert files == [shown(one), [], shown(two, one)]
        assert (await bob.read())["last_seq"] == 3

    async def test_to_everyone(self, admin: Person, alice: Talker, bob: Talker) -> None:
        file = await sent(admin)
        body = {"to": ["everyone"], "content": "hear", "file_ids": [file["id"]]}

        answer = await admin.client.post(MESSAGES, json=body)

        assert answer.json()["files"] == shown(file)
        for each in (alice, bob):

            async def has_it(reader: Talker = each) -> bool:
                return bool((await reader.read())["items"])

            await eventually(has_it)
            assert of(await each.read()) == shown(file)
            assert await sees(each, file)

    async def test_later(self, alice: Talker, bob: Talker, hub: Resources) -> None:
        file = await sent(alice)
        message = (await alice.send(bob, file_ids=[file["id"]], deliver_at=ahead(hours=1))).json()
        before = await sees(bob, file)

        await let_come_due(hub, message["id"])

        async def has_it() -> bool:
            return bool((await bob.read())["items"])

        await eventually(has_it)
        assert of(await bob.read()) == message["files"] == shown(file)
        assert (before, await sees(bob, file)) == (False, True)

    async def test_a_send_without_files_asks_nothing_before_it_is_stored(
        self, alice: Talker, bob: Talker, statements: list[str]
    ) -> None:
        file = await sent(alice)
        await alice.send(bob)
        statements.clear()

        await alice.send(bob)
        without = len(statements)
        await alice.send(bob, file_ids=[file["id"]])

        assert without == 0
        assert len([each for each in statements if "FROM file" in each]) == 1


class TestKeys:
    async def test_other_files_are_another_body(self, alice: Talker, bob: Talker) -> None:
        one, two = await sent(alice), await sent(alice, name="two.txt")
        ids = [one["id"], two["id"]]
        first = await alice.send(bob, file_ids=ids, key="k")

        again = await alice.send(bob, file_ids=ids, key="k")
        turned = await alice.send(bob, file_ids=ids[::-1], key="k")
        without = await alice.send(bob, key="k")

        assert first.json() == again.json()
        assert again.headers["idempotency-replayed"] == "true"
        assert refusal(turned) == refusal(without) == (409, "idempotency_key_reused")

    async def test_no_files_are_no_files(self, alice: Talker, bob: Talker) -> None:
        first = await alice.send(bob, key="k")

        again = await alice.send(bob, key="k", file_ids=[])

        assert again.json() == first.json()

    async def test_a_repetition_is_answered_as_before_though_a_file_is_gone(
        self, alice: Talker, bob: Talker
    ) -> None:
        file = await sent(alice)
        first = await alice.send(bob, file_ids=[file["id"]], key="k")
        await alice.client.delete(path(file))

        again = await alice.send(bob, file_ids=[file["id"]], key="k")
        new = await alice.send(bob, file_ids=[file["id"]], key="another")

        assert (again.status_code, again.json()) == (201, first.json())
        assert refusal(new) == (404, "file_not_found")

    async def test_a_refused_one_leaves_its_key_free(self, alice: Talker, bob: Talker) -> None:
        refused = await alice.send(bob, file_ids=[str(new_id())], key="k")

        accepted = await alice.send(bob, key="k")

        assert (refused.status_code, accepted.status_code) == (404, 201)


async def test_a_file_that_is_deleted_meanwhile_refuses_its_own_row_alone(
    app: FastAPI, alice: Talker, bob: Talker, hub: Resources
) -> None:
    state: MessageState = app.state.messages
    gone, left = await sent(alice), await sent(alice, name="left.txt")
    drafts = [draft(alice, bob, str(number)) for number in range(4)]
    for each, files in zip(drafts, ([left], [gone], [left, gone], []), strict=True):
        each.files = tuple(shown(*files))
    await alice.client.delete(path(gone))

    outcomes = await state.writer.send_all(drafts)

    refused = [isinstance(each, FileNotFound) for each in outcomes]
    assert refused == [False, True, True, False]
    assert [isinstance(each, Stored) for each in outcomes] == [True, False, False, True]
    assert [entry["seq"] for entry in (await bob.read())["items"]] == [1, 2]
    assert await count(hub, "attachment") == 1
