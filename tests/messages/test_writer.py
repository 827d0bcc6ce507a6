"""What becomes of a batch of messages when one of them, or its sender, is in trouble."""

import asyncio

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from hubbub.kit.ids import new_id
from hubbub.kit.resources import Resources
from hubbub.messages.state import MessageState
from hubbub.messages.writer import queue
from hubbub.messages.writer.draft import Draft, Outcome, Replayed, Stored
from tests.messages.conftest import Talker

# what passes every check of ours, and is refused by the database with an error of its own
POISON = "poison"
_SPOILED = {
    "sqlite": f"""
        CREATE TRIGGER spoiled BEFORE INSERT ON message WHEN new.content = '{POISON}'
        BEGIN SELECT raise(ABORT, 'spoiled'); END
    """,
    "postgresql": f"ALTER TABLE message ADD CONSTRAINT spoiled CHECK (content <> '{POISON}')",
}


@pytest.fixture
async def poisonous(hub: Resources, distributed: bool) -> None:
    async with hub.database.write() as session:
        await session.execute(text(_SPOILED["postgresql" if distributed else "sqlite"]))


@pytest.fixture
def state(app: FastAPI) -> MessageState:
    state: MessageState = app.state.messages
    return state


def draft(sender: Talker, recipient: Talker, content: str, key: str | None = None) -> Draft:
    return Draft(
        id=str(new_id()),
        sender_id=str(sender.id),
        to_ids=(str(recipient.id),),
        to_handles=(),
        addressed=[f"agent:{recipient.handle}"],
        content=content,
        content_type="text/plain",
        key=key,
        body_hash=content if key else None,
    )


async def contents(talker: Talker) -> list[tuple[int, str]]:
    page = await talker.read(limit=100)
    return [(entry["seq"], entry["message"]["content"]) for entry in page["items"]]


@pytest.mark.usefixtures("poisonous")
class TestPoison:
    @pytest.mark.parametrize("place", [0, 17, 49])
    async def test_one_bad_row_fails_alone_and_spends_no_number(
        self, alice: Talker, bob: Talker, place: int
    ) -> None:
        said = [str(number) for number in range(50)]
        said[place] = POISON

        answers = await asyncio.gather(*(alice.send(bob, content=each) for each in said))

        statuses = [answer.status_code for answer in answers]
        assert statuses == [500 if each == POISON else 201 for each in said]
        assert "spoiled" not in answers[place].text
        stored = await contents(bob)
        assert [seq for seq, _ in stored] == list(range(1, 50))
        assert {content for _, content in stored} == set(said) - {POISON}

    async def test_several_bad_rows_in_one_batch(
        self, state: MessageState, alice: Talker, bob: Talker
    ) -> None:
        drafts = [draft(alice, bob, POISON if n % 3 == 0 else str(n)) for n in range(20)]

        outcomes = await asyncio.gather(
            *(state.writer.send(each) for each in drafts), return_exceptions=True
        )

        assert [isinstance(each, Stored) for each in outcomes] == [n % 3 != 0 for n in range(20)]
        assert [seq for seq, _ in await contents(bob)] == list(range(1, 14))

    async def test_its_key_is_free_again(
        self, hub: Resources, distributed: bool, alice: Talker, bob: Talker
    ) -> None:
        refused = await alice.send(bob, content=POISON, key="k")
        undo = "ALTER TABLE message DROP CONSTRAINT" if distributed else "DROP TRIGGER"
        async with hub.database.write() as session:
            await session.execute(text(f"{undo} spoiled"))

        accepted = await alice.send(bob, content=POISON, key="k")

        assert (refused.status_code, accepted.status_code) == (500, 201)
        assert "idempotency-replayed" not in accepted.headers
        assert await contents(bob) == [(1, POISON)]


async def test_a_cancelled_send_is_neither_undone_nor_doubled(
    hub: Resources, state: MessageState, alice: Talker, bob: Talker
) -> None:
    await alice.send(bob, content="first")
    drafts = [draft(alice, bob, str(number), key=str(number)) for number in range(10)]
    # while this is held nothing is stored: the writer waits for its turn, or for this row
    async with hub.database.write() as session:
        await session.execute(text("UPDATE counter SET open = open"))
        sends = [asyncio.create_task(state.writer.send(each)) for each in drafts]
        await asyncio.sleep(0)  # all of them have begun now, and none has ended
        for send in sends[::2]:
            send.cancel()
        ended = await asyncio.gather(*sends[::2], return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in ended)
    kept = await asyncio.gather(*sends[1::2])

    again = [
        await state.writer.send(draft(alice, bob, each.content, key=each.key)) for each in drafts
    ]

    assert all(isinstance(each, Stored) for each in kept)
    assert again == [Replayed(each.id) for each in drafts]
    assert [seq for seq, _ in await contents(bob)] == list(range(1, 12))


@pytest.mark.parametrize("cores", [1, 2])
async def test_with_one_core_a_batch_takes_all_who_send_again(
    monkeypatch: pytest.MonkeyPatch, state: MessageState, alice: Talker, bob: Talker, cores: int
) -> None:
    """With a second one, those who come last are heard while the first are stored."""
    sizes: list[int] = []
    store = state.writer._store

    async def noted(drafts: list[Draft]) -> list[Outcome]:
        sizes.append(len(drafts))
        return await store(drafts)

    async def talk(place: int) -> None:
        for _ in range(5):
            assert isinstance(await state.writer.send(draft(alice, bob, "again")), Stored)
            for _ in range(place):  # one after the other
                await asyncio.sleep(0)

    monkeypatch.setattr(queue, "_cores", lambda: cores)
    monkeypatch.setattr(state.writer, "_store", noted)
    await asyncio.gather(*(talk(place) for place in range(40)))

    assert sum(sizes) == 200
    assert (sizes[1:].count(40) >= 2) is (cores == 1), sizes
