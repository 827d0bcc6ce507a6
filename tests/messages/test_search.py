"""Finding messages by their words, in an index that is kept behind the sends."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, update

from hubbub.kit.db import search as search_index
from hubbub.kit.db.search import Prepared, SearchEntry
from hubbub.kit.resources import Resources
from hubbub.messages.models import UnindexedBatch
from hubbub.messages.service import indexing
from hubbub.messages.service.indexing import Indexer, plain_text
from hubbub.messages.service.listing import marked
from hubbub.messages.types import ContentType
from hubbub.messages.writer.open import open_store
from hubbub.messages.writer.queue import Store
from hubbub.messages.writer.steps import Steps
from tests.fixtures.waiting import eventually
from tests.messages.conftest import MakeTalker, Talker

MESSAGES = "/api/v1/messages"


async def search(client: httpx2.AsyncClient, q: str, **params: Any) -> dict[str, Any]:
    answer = await client.get(MESSAGES, params={"q": q} | params)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def found(client: httpx2.AsyncClient, q: str, **params: Any) -> list[str]:
    return [each["content"] for each in (await search(client, q, **params))["items"]]


def is_indexed(talker: Talker) -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        return (await search(talker.client, "x"))["indexed_until"] is None

    return holds


async def index(app: FastAPI) -> None:
    indexer: Indexer = app.state.messages.indexer
    await indexer.catch_up()


@pytest.fixture
async def another(hub: Resources) -> AsyncIterator[Callable[[], Indexer]]:
    """Indexers as other processes have them."""
    stores: list[Store] = []

    def make() -> Indexer:
        stores.append(open_store(hub.settings, hub.database))
        return Indexer(hub.database, stores[-1])

    yield make
    for store in stores:
        await store.close()


async def test_a_message_is_found_by_itself_within_two_seconds(alice: Talker, bob: Talker) -> None:
    await alice.send(bob, content="The quick brown fox")

    async def holds() -> bool:
        return await found(bob.client, "quick") == ["The quick brown fox"]

    await eventually(holds, within=2)


@pytest.mark.parametrize("q", ["cafe", "CAFÉ", "caf*", "menu cafe", "strasse", "me* *"])
async def test_by_words_and_beginnings_without_accents(
    alice: Talker, bob: Talker, app: FastAPI, q: str
) -> None:
    await alice.send(bob, content="Das Menü im Café in der Straße")
    await alice.send(bob, content="something else")
    await index(app)

    for reader in (alice.client, bob.client, alice.owner.client, bob.owner.client):
        assert await found(reader, q) == ["Das Menü im Café in der Straße"]


@pytest.mark.parametrize("q", ["", "!", "caf", "cafe nothing", "* *", '") OR (', "q*", "\x00"])
async def test_what_does_not_match_is_not_found(
    alice: Talker, bob: Talker, app: FastAPI, q: str
) -> None:
    await alice.send(bob, content="Café")
    await index(app)

    assert await found(bob.client, q) == []


async def test_the_name_of_a_scope_finds_nothing_of_others(
    alice: Talker, bob: Talker, talkers: MakeTalker, app: FastAPI
) -> None:
    eve = await talkers("eve")
    await alice.send(bob, content="private")
    await alice.send(eve, content=f"p{bob.id.hex} pmany")
    await index(app)

    for q in (f"p{bob.id.hex}", "pmany", "p*", "private", "priv*"):
        assert "private" not in await found(eve.client, q)


async def test_with_the_other_filters(alice: Talker, bob: Talker, app: FastAPI) -> None:
    first = (await alice.send(bob, content="apple one")).json()
    second = (await bob.send(alice, content="apple two")).json()
    await index(app)

    assert await found(bob.client, "apple") == ["apple two", "apple one"]
    assert await found(bob.client, "apple", thread=first["thread_id"]) == ["apple one"]
    assert await found(bob.client, "apple", since=second["created_at"]) == ["apple two"]
    assert await found(bob.client, "apple", agent=alice.id) == ["apple two", "apple one"]
    assert await found(bob.client, "apple", state="acked") == []


async def test_hits_come_by_the_page(alice: Talker, bob: Talker, app: FastAPI) -> None:
    for number in range(5):
        await alice.send(bob, content=f"apple {number}")
    await index(app)
    seen: list[str] = []
    params: dict[str, Any] = {"limit": 2}

    while params:
        page = await search(bob.client, "apple", **params)
        seen += [each["content"] for each in page["items"]]
        cursor = page["next_cursor"]
        params = {"limit": 2, "cursor": cursor} if cursor else {}

    assert seen == [f"apple {number}" for number in (4, 3, 2, 1, 0)]


async def test_a_message_to_many_is_found_by_each(
    alice: Talker, bob: Talker, talkers: MakeTalker, app: FastAPI
) -> None:
    others = [await talkers(f"other-{number}") for number in range(33)]
    sent = await alice.send(bob, *others, content="to many")
    await index(app)

    assert sent.status_code == 201
    assert await found(bob.client, "many") == await found(alice.client, "many") == ["to many"]


async def test_json_is_searched_as_it_is_read(alice: Talker, bob: Talker, app: FastAPI) -> None:
    content = r'{"title": "caf\u00e9\nmenu", "rows": [{"price": 12.5}, null, true]}'
    await alice.send(bob, content=content, content_type="application/json")
    await index(app)

    for q in ("café", "menu", "title", "12.5"):
        assert await found(bob.client, q) == [content]
    assert await found(bob.client, "nmenu") == []


def test_json_may_be_nested_as_deep_as_it_is_accepted() -> None:
    assert plain_text("[" * 1000 + '"deep"' + "]" * 1000, ContentType.JSON) == "deep"


async def test_a_snippet_is_safe_to_show(alice: Talker, bob: Talker, app: FastAPI) -> None:
    await alice.send(bob, content='<script>alert("x")</script> & <b>needle</b> \x02fake\x03')
    await index(app)

    [hit] = (await search(bob.client, "needle"))["items"]

    assert hit["snippet"] == (
        "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp;"
        " <mark>&lt;b&gt;needle&lt;/b&gt;</mark> fake"
    )
    assert marked("a needle", "need*") == "a <mark>needle</mark>"


async def test_what_was_withdrawn_is_found_by_its_sender_alone(
    alice: Talker, bob: Talker, app: FastAPI
) -> None:
    sent = (await alice.send(bob, content="taken back")).json()
    await index(app)
    await alice.client.delete(f"{MESSAGES}/{sent['id']}")

    assert await found(bob.client, "taken") == []
    assert await found(bob.owner.client, "taken") == []
    assert await found(alice.client, "taken") == ["taken back"]


async def test_it_says_when_it_is_behind(alice: Talker, bob: Talker, app: FastAPI) -> None:
    await app.state.messages.indexer.stop()
    sent = (await alice.send(bob, content="not yet")).json()

    behind = await search(bob.client, "yet")
    await index(app)
    after = await search(bob.client, "yet")

    assert behind["items"] == []
    assert behind["indexed_until"][:16] == sent["created_at"][:16]
    assert (len(after["items"]), after["indexed_until"]) == (1, None)


async def test_what_a_killed_process_left_is_indexed_by_the_next(
    alice: Talker, bob: Talker, app: FastAPI, hub: Resources, another: Callable[[], Indexer]
) -> None:
    await app.state.messages.indexer.stop()
    for number in range(3):
        await alice.send(bob, content=f"orphan {number}")
    async with hub.database.write() as session:
        await session.execute(update(UnindexedBatch).values(stored_by="dead"))

    next_one = another()
    next_one.start()
    await eventually(is_indexed(bob))
    await next_one.stop()

    assert await found(bob.client, "orphan") == ["orphan 2", "orphan 1", "orphan 0"]


async def test_a_kill_in_the_middle_leaves_all_to_be_done_again(
    alice: Talker,
    bob: Talker,
    app: FastAPI,
    hub: Resources,
    another: Callable[[], Indexer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await app.state.messages.indexer.stop()
    await alice.send(bob, content="once more")
    put = indexing._put

    def killed(entries: Sequence[Prepared]) -> Steps[None]:
        yield from put(entries)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(indexing, "_put", killed)
        with pytest.raises(KeyboardInterrupt):
            await another().index_some()
    await index(app)

    assert await found(bob.client, "once") == ["once more"]


async def test_what_cannot_be_indexed_does_not_keep_the_rest_from_it(
    alice: Talker, bob: Talker, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    await app.state.messages.indexer.stop()
    for content in ("good one", "poison", "good two"):
        await alice.send(bob, content=content)
    prepared = search_index.prepared

    def spoiled(object_id: str, body: str, scopes: Sequence[str]) -> Prepared:
        made = prepared(object_id, body, scopes)
        return made._replace(object_id=None) if body == "poison" else made  # type: ignore[arg-type]

    monkeypatch.setattr(search_index, "prepared", spoiled)
    await index(app)

    assert await found(bob.client, "good") == ["good two", "good one"]
    assert (await search(bob.client, "good"))["indexed_until"] is None


async def test_two_processes_index_each_message_once(
    alice: Talker, bob: Talker, app: FastAPI, hub: Resources, another: Callable[[], Indexer]
) -> None:
    await app.state.messages.indexer.stop()
    await asyncio.gather(*(alice.send(bob, content=f"shared {n}") for n in range(40)))

    await asyncio.gather(*(another().catch_up() for _ in range(4)))

    async with hub.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(SearchEntry)) == 40
        assert await session.scalar(select(func.count()).select_from(UnindexedBatch)) == 0
    assert len(await found(bob.client, "shared", limit=100)) == 40
