"""What is final is forgotten after so many days, if the hub is told to."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import case, delete, event, insert, literal, select, update

from hubbub.files.models import Attachment
from hubbub.kit.db.counter import Counter
from hubbub.kit.db.dialect import db_now
from hubbub.kit.ids import first_id_at, new_id
from hubbub.kit.jobs import JobContext, NoArgs
from hubbub.kit.resources import Resources
from hubbub.messages.jobs import forget_old
from hubbub.messages.models import (
    Delivery,
    FanOut,
    IdempotencyKey,
    Message,
    RoomMessage,
    UnindexedBatch,
)
from hubbub.messages.types import State
from hubbub.settings import MessageSettings, Settings
from tests.files import helpers as files
from tests.messages.conftest import MakeTalker, Talker
from tests.messages.helpers import (
    BATCH,
    MESSAGES,
    ROOMS,
    ahead,
    count,
    heard,
    history,
    refusal,
    room_of,
    say,
    texts,
)

KEPT = 8


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"messages": MessageSettings(keep_days=KEPT)})


async def forget(hub: Resources) -> None:
    await forget_old(JobContext(hub, new_id(), 1), NoArgs())


async def age(hub: Resources, *message_ids: str, days: float = KEPT + 1) -> None:
    """As if these had been sent so long ago."""
    at = datetime.now(UTC) - timedelta(days=days)
    first = first_id_at(at).int
    new = {UUID(old): UUID(int=first + place) for place, old in enumerate(message_ids)}
    async with hub.database.write() as session:
        for table, key, more in (
            (Message, Message.id, {"created_at": at}),
            (Delivery, Delivery.message_id, {"created_at": at}),
            (RoomMessage, RoomMessage.message_id, {}),
            (FanOut, FanOut.message_id, {}),
            (IdempotencyKey, IdempotencyKey.message_id, {}),
            (Attachment, Attachment.object_id, {}),
        ):
            # one statement for all: one for each took minutes with a thousand of them
            moved = case(*((key == old, literal(fresh, key.type)) for old, fresh in new.items()))
            changes = {key.key: moved} | more
            await session.execute(
                update(table)
                .where(key.in_(new))
                .values(changes)
                .execution_options(synchronize_session=False)
            )


async def send(sender: Talker, recipient: Talker, *contents: str) -> list[str]:
    answers = [await sender.send(recipient, content=content) for content in contents]
    return [answer.json()["id"] for answer in answers]


async def ack(talker: Talker, up_to: int) -> None:
    await talker.client.post(f"{talker.inbox}/ack", json={"up_to": up_to})


class TestInboxes:
    async def test_a_prefix_of_what_is_final_goes_and_what_is_open_stops_it(
        self, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        ids = await send(alice, bob, *"abcdef")
        for message_id in (*ids[:2], ids[3]):
            await bob.client.post(f"{bob.inbox}/ack", json={"ids": [message_id]})
        await age(hub, *ids[:5])

        await forget(hub)
        page = await bob.read()

        assert texts(page) == ["c", "d", "e", "f"]
        assert (page["first_seq"], page["last_seq"]) == (3, 6)
        assert await count(hub, "message") == 4

        await ack(bob, 6)
        await forget(hub)
        page = await bob.read()

        assert (texts(page), page["first_seq"], page["last_seq"]) == (["f"], 6, 6)
        assert await count(hub, "message") == 1

    async def test_when_all_of_it_goes_the_numbers_go_on(
        self, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        ids = await send(alice, bob, *"abc")
        await ack(bob, 3)
        await age(hub, *ids)

        await forget(hub)
        empty = await bob.read()
        await send(alice, bob, "d")

        assert (empty["items"], empty["first_seq"], empty["last_seq"]) == ([], 4, 3)
        page = await bob.read(after=empty["next_cursor"])
        assert [(each["seq"], each["message"]["content"]) for each in page["items"]] == [(4, "d")]

    async def test_cursors_before_it_are_reset_aloud(
        self, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        ids = await send(alice, bob, *"abc")
        await ack(bob, 3)
        await age(hub, *ids[:2])
        await forget(hub)

        answer = await bob.client.get(bob.inbox, params={"after": "1"})

        assert refusal(answer) == (409, "cursor_reset")
        reset = answer.json()["reset"]
        assert (reset["first_seq"], reset["last_seq"], reset["reason"]) == (
            3,
            3,
            "before_the_first",
        )
        assert texts(await bob.read(after="2")) == ["c"]

    @pytest.mark.parametrize("state", [State.ACKED, State.FAILED, State.EXPIRED, State.WITHDRAWN])
    async def test_every_final_state_goes(
        self, alice: Talker, bob: Talker, hub: Resources, state: State
    ) -> None:
        ids = await send(alice, bob, "a")
        async with hub.database.write() as session:
            await session.execute(update(Delivery).values(state=state))
        await age(hub, *ids)

        await forget(hub)

        assert (await bob.read())["first_seq"] == 2
        assert await count(hub, "message") == 0

    async def test_what_one_still_has_another_may_have_forgotten(
        self, alice: Talker, bob: Talker, talkers: MakeTalker, hub: Resources
    ) -> None:
        carol = await talkers("carol")
        sent = (await alice.send(bob, carol)).json()
        await ack(bob, 1)
        await age(hub, sent["id"])

        await forget(hub)

        assert (await heard(bob), await heard(carol)) == ([], ["hello"])
        assert await count(hub, "message") == 1

    async def test_young_ones_stay_and_so_does_all_of_a_hub_that_keeps_for_ever(
        self, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        ids = await send(alice, bob, *"ab")
        await ack(bob, 2)
        await age(hub, ids[0], days=KEPT - 0.01)
        await forget(hub)
        young = await heard(bob)
        await age(hub, ids[1], days=100)
        for_ever = hub.settings.model_copy(update={"messages": MessageSettings()})
        object.__setattr__(hub, "settings", for_ever)

        await forget(hub)

        assert (young, await count(hub, "message")) == (["a", "b"], 2)

    async def test_more_than_one_step(self, alice: Talker, bob: Talker, hub: Resources) -> None:
        row = {"to": ["agent:bob"], "content": "x"}
        answer = await alice.client.post(BATCH, json={"messages": [row] * 1000})
        more = await alice.client.post(BATCH, json={"messages": [row] * 100})
        ids = [each["message"]["id"] for each in answer.json()["results"] + more.json()["results"]]
        await ack(bob, 1100)
        await age(hub, *ids)
        kept = await send(alice, bob, "kept")

        await forget(hub)

        page = await bob.read()
        assert (page["first_seq"], page["last_seq"]) == (1101, 1101)
        assert [entry["message"]["id"] for entry in page["items"]] == kept
        assert [await count(hub, table) for table in ("delivery", "message")] == [1, 1]

    async def test_files_stay_with_who_sent_them_in(
        self, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        kept = [await files.sent(alice, name=f"{number}.txt") for number in range(2)]
        sent = [(await alice.send(bob, file_ids=[each["id"]])).json() for each in kept]
        await ack(bob, 2)
        await age(hub, sent[0]["id"])
        before = [await files.sees(bob, each) for each in kept]

        await forget(hub)

        assert before == [True, True]
        assert [await files.sees(bob, each) for each in kept] == [False, True]
        assert [await files.sees(alice, each) for each in kept] == [True, True]
        async with hub.database.read() as session:
            assert len((await session.scalars(select(Attachment))).all()) == 1

    async def test_found_no_more_by_words(
        self, alice: Talker, bob: Talker, hub: Resources, app: FastAPI
    ) -> None:
        ids = await send(alice, bob, "needle one", "needle two")
        await ack(bob, 1)
        # before the index has seen it: it is put in under the id that it has now
        await age(hub, ids[0])
        async with hub.database.write() as session:
            entries = [[str(each)] for each in await session.scalars(select(Message.id))]
            await session.execute(delete(UnindexedBatch))
            session.add(
                UnindexedBatch(id=new_id(), messages=entries, stored_by="x", created_at=db_now(-10))
            )
        await app.state.messages.indexer.catch_up()
        before = await count(hub, "search_entry")

        await forget(hub)

        assert before - await count(hub, "search_entry") == 1
        found = await alice.client.get(MESSAGES, params={"q": "needle"})
        assert [each["content"] for each in found.json()["items"]] == ["needle two"]


class TestRooms:
    async def test_what_was_said_goes_whoever_read_it(
        self, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        room_id = await room_of(alice, bob)
        ids = [(await say(alice, content)).json()["id"] for content in "abc"]
        await ack(bob, 1)
        await age(hub, *ids[:2])

        await forget(hub)
        page = await history(alice, room_id)
        answer = await alice.client.get(f"{ROOMS}/{room_id}/messages", params={"after": "1"})

        assert (texts(page), page["first_seq"], page["last_seq"]) == (["c"], 3, 3)
        assert answer.json()["reset"]["reason"] == "before_the_first"
        # it waits for an ack in an inbox, and stays there
        assert await heard(bob) == ["b", "c"]
        assert await count(hub, "message") == 2

    async def test_its_age_is_counted_from_when_it_was_said(
        self, alice: Talker, bob: Talker, hub: Resources, app: FastAPI
    ) -> None:
        room_id = await room_of(alice, bob)
        sent = (await say(alice, "later", deliver_at=ahead(hours=1))).json()
        await age(hub, sent["id"])
        await forget(hub)
        waiting = await count(hub, "message")
        async with hub.database.write() as session:
            just_now = datetime.now(UTC) - timedelta(seconds=1)
            await session.execute(update(FanOut).values(due_at=just_now))
            await session.execute(update(Message).values(deliver_at=just_now))
        while await count(hub, "fan_out WHERE done_at IS NULL"):
            await app.state.messages.writer.fan_out()

        await forget(hub)

        assert waiting == 1
        assert texts(await history(bob, room_id)) == ["later"]

    async def test_numbers_go_on(self, alice: Talker, bob: Talker, hub: Resources) -> None:
        room_id = await room_of(alice, bob)
        ids = [(await say(alice, content)).json()["id"] for content in "ab"]
        await age(hub, *ids)
        await forget(hub)

        await say(alice, "c")

        page = await history(alice, room_id)
        assert (texts(page), page["first_seq"]) == (["c"], 3)


@pytest.fixture
def written(hub: Resources) -> Iterator[list[str]]:
    """The statements of write sessions from here on."""
    seen: list[str] = []

    def note(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    engine = hub.database.write_engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


async def test_many_inboxes_with_nothing_to_forget_are_one_look(
    alice: Talker, bob: Talker, hub: Resources, written: list[str]
) -> None:
    await send(alice, bob, "a")
    old = await send(alice, bob, "b")
    await age(hub, *old)
    message_id, at = new_id(), datetime.now(UTC)
    inboxes = [new_id() for _ in range(2000)]
    async with hub.database.write() as session:
        await session.execute(
            insert(Counter), [{"id": each, "last_seq": 1, "open": 1} for each in inboxes]
        )
        await session.execute(
            insert(Delivery),
            [
                {
                    "recipient_id": each,
                    "seq": 1,
                    "message_id": message_id,
                    "sender_id": alice.id,
                    "state": State.QUEUED,
                    "created_at": at,
                }
                for each in inboxes
            ],
        )
    written.clear()

    await forget(hub)

    changing = ("UPDATE counter", "DELETE FROM delivery", "DELETE FROM room_message")
    assert [each for each in written if any(word in each for word in changing)] == []
    assert await count(hub, "delivery") == 2002
