from uuid import UUID

import pytest

from hubbub.kit.db import search
from hubbub.kit.db.database import Database
from hubbub.kit.db.words import MARK_END, MARK_START, snippet
from hubbub.kit.ids import new_id

TEXTS = {
    "plan": "The release plan for the autumn, see docs/release-plan_v2.md",
    "mail": "Ask ops@example.com about the Café menu",
    "code": "SELECT * FROM thing WHERE a = 'b' AND NOT c",
    "math": "3.14 and 1e5 and -7 and ½",
    "german": "Die Straße ist gesperrt, ÄRGER",
    "greek": "Ὀδυσσεύς και ΣΊΣΥΦΟΣ",
    "chinese": "今天天气很好",
    "emoji": "ship it 🚀 now",
    "empty": "",
    "odd": "a\x00b \x02fake\x03",
}


@pytest.fixture
async def ids(database: Database) -> dict[str, UUID]:
    """Some texts that can be found, by a name for each."""
    ids = {name: new_id() for name in TEXTS}
    async with database.write() as session:
        for name, body in TEXTS.items():
            await search.put(session, "text", ids[name], body)
        await search.put(session, "other", new_id(), "release of another kind")
    return ids


async def found(database: Database, ids: dict[str, UUID], query: str) -> set[str]:
    names = {object_id: name for name, object_id in ids.items()}
    async with database.read() as session:
        return {names[hit.object_id] for hit in await search.find(session, "text", query, 50)}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("release", {"plan"}),
        ("RELEASE plan", {"plan"}),
        ("plan menu", set()),
        ("relea", set()),
        ("relea*", {"plan"}),
        ("release-plan_v2.md", {"plan"}),
        ("v2", {"plan"}),
        ("example.com", {"mail"}),
        ("ops@example.com", {"mail"}),
        ("example", {"mail"}),
        ("cafe", {"mail"}),
        ("CAFÉ", {"mail"}),
        ("cafe\u0301", {"mail"}),
        ("3.14", {"math"}),
        ("1e5", {"math"}),
        ("7", {"math"}),
        ("1 2", {"math"}),
        ("strasse", {"german"}),
        ("ärger", {"german"}),
        ("οδυσσευσ", {"greek"}),
        ("σίσυφος", {"greek"}),
        ("今天*", {"chinese"}),
        ("ship now", {"emoji"}),
        ("fake", {"odd"}),
    ],
)
async def test_both_databases_find_the_same(
    database: Database, ids: dict[str, UUID], query: str, names: set[str]
) -> None:
    assert await found(database, ids, query) == names


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("plan OR menu", set()),
        ("plan | menu", set()),
        ("plan NOT autumn", set()),
        ("plan -autumn", {"plan"}),
        ("plan !autumn", {"plan"}),
        ("and not", {"code"}),
        ("NEAR(release plan)", set()),
        ("words:release", set()),
        ("body : release", set()),
        ("^release", {"plan"}),
        ('"plan release"', {"plan"}),
        ("plan <-> release", {"plan"}),
        ("release:*", {"plan"}),
        ("rel:*", {"plan"}),
        ("release:ABCD", set()),
        ("(release", {"plan"}),
        ("'b'", {"code", "odd"}),
        ("plan'; DROP TABLE search_entry; --", set()),
    ],
)
async def test_nothing_in_a_query_is_an_operator(
    database: Database, ids: dict[str, UUID], query: str, names: set[str]
) -> None:
    assert await found(database, ids, query) == names


@pytest.mark.parametrize(
    "query",
    ["", " ", "*", "**", "* *", '"', '""', "'", "\\", "\x00", "%", "&", "()", ":*", "🚀", "_"],
)
async def test_a_query_without_words_finds_nothing(
    database: Database, ids: dict[str, UUID], query: str
) -> None:
    assert await found(database, ids, query) == set()


@pytest.mark.parametrize(
    "query",
    ["x" * 100_000, "release " * 10_000, "x*" * 5_000, "\u0301" * 3000, "a\x00b", "İ", "ﷺ " * 500],
)
async def test_no_query_is_too_much(database: Database, ids: dict[str, UUID], query: str) -> None:
    assert await found(database, ids, query) <= set(TEXTS)


@pytest.mark.parametrize(
    "body",
    ["x" * 3_000_000, " ".join(map(str, range(300_000))), "word " * 500_000, "\x00" * 1000],
)
async def test_no_text_is_too_much(database: Database, body: str) -> None:
    object_id = new_id()

    async with database.write() as session:
        await search.put(session, "text", object_id, f"needle {body}")

    async with database.read() as session:
        (hit,) = await search.find(session, "text", "needle", 10)
    assert hit.object_id == object_id
    assert len(hit.snippet) < 2000


async def test_what_is_put_again_or_removed_is_no_longer_found(
    database: Database, ids: dict[str, UUID]
) -> None:
    async with database.write() as session:
        await search.put(session, "text", ids["plan"], "entirely different")
        await search.remove(session, "text", ids["mail"])
        await search.remove(session, "text", new_id())

    assert await found(database, ids, "release") == set()
    assert await found(database, ids, "different") == {"plan"}
    assert await found(database, ids, "menu") == set()


async def put_and_undo(database: Database) -> None:
    async with database.write() as session:
        await search.put(session, "text", new_id(), "ephemeral")
        raise ValueError("undone")


async def test_what_is_rolled_back_is_not_found(database: Database) -> None:
    with pytest.raises(ValueError, match="undone"):
        await put_and_undo(database)

    assert await found(database, {}, "ephemeral") == set()


async def test_of_equals_the_newest_is_first(database: Database) -> None:
    ids = [new_id() for _ in range(3)]
    async with database.write() as session:
        for object_id in ids:
            await search.put(session, "text", object_id, "the same words")

    async with database.read() as session:
        hits = await search.find(session, "text", "same", 2)

    assert [hit.object_id for hit in hits] == [ids[2], ids[1]]


def test_a_snippet_marks_what_matched() -> None:
    marked = snippet("Ask the Café, cafe or CAFETERIA", "cafe")

    assert marked == (
        f"Ask the {MARK_START}Café,{MARK_END} {MARK_START}cafe{MARK_END} or CAFETERIA"
    )


def test_a_snippet_shows_the_surroundings_of_the_first_match() -> None:
    body = f"{'before ' * 100}needle{' after' * 100}"

    shown = snippet(body, "needle")

    assert shown.startswith("…before ")
    assert shown.endswith(" after…")
    assert f"{MARK_START}needle{MARK_END}" in shown
    assert len(shown) < 250


def test_a_text_cannot_bring_marks_of_its_own() -> None:
    assert snippet("\x02fake\x03 real", "real") == f"fake {MARK_START}real{MARK_END}"
