import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import httpx2
import orjson
import pytest
from fastapi import FastAPI, Query
from sqlalchemy import select

from hubbub.app import create_app
from hubbub.kit.http.dependencies import Page, ReadSession
from hubbub.kit.ids import new_id
from hubbub.kit.pagination import Order, PageOf, paginate
from hubbub.kit.resources import Resources
from hubbub.settings import Settings
from tests.kit.db.models import OwnBase, Thing
from tests.kit.http.conftest import assert_is_problem

COLUMNS = {"at": Thing.at, "note": Thing.note, "number": Thing.taken_by}
ORDERS = {
    f"{name}{'-' if descending else ''}": Order(
        f"thing.{name}.{descending}", column, Thing.id, descending=descending
    )
    for name, column in COLUMNS.items()
    for descending in (False, True)
}


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    app = create_app(settings)

    @app.get("/things")
    async def things(
        session: ReadSession, page: Page, by: Annotated[str, Query()] = "at"
    ) -> PageOf[str]:
        rows, following = await paginate(session, select(Thing), ORDERS[by], page)
        return PageOf[str](items=[row.name for row in rows], next_cursor=following)

    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture(autouse=True)
async def things(hub: Resources) -> list[Thing]:
    """23 of them, with many equals in each column."""
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    things = [
        Thing(
            id=new_id(),
            name=f"{number}",
            at=noon + timedelta(microseconds=number * 7 % 3),
            note="äbc€"[number % 4],
            taken_by=number * 5 % 4 - 1,
        )
        for number in range(23)
    ]
    async with hub.database.write_engine.begin() as connection:
        await connection.run_sync(OwnBase.metadata.create_all)
    async with hub.database.write() as session:
        session.add_all(things)
    return things


async def read_all(client: httpx2.AsyncClient, by: str, limit: int) -> list[str]:
    names: list[str] = []
    params: dict[str, str | int] = {"by": by, "limit": limit}
    while True:
        page = (await client.get("/things", params=params)).json()
        assert len(page["items"]) <= limit
        names += page["items"]
        if page["next_cursor"] is None:
            return names
        assert page["items"]
        params["cursor"] = page["next_cursor"]


@pytest.mark.parametrize("by", sorted(ORDERS))
@pytest.mark.parametrize("limit", [1, 4, 22, 23, 24])
async def test_the_pages_hold_each_row_once_and_in_order(
    client: httpx2.AsyncClient, things: list[Thing], by: str, limit: int
) -> None:
    names = await read_all(client, by, limit)

    column = COLUMNS[by.rstrip("-")].key
    known = {thing.name: thing for thing in things}
    places = [(getattr(known[name], column), known[name].id) for name in names]
    if column == "note":  # text is sorted by the database's own alphabet
        assert sorted(names) == sorted(known)
    else:
        assert places == sorted(places, reverse=by.endswith("-"))
    assert len(names) == len(things)


async def test_a_row_that_comes_in_between_does_not_shift_the_next_page(
    client: httpx2.AsyncClient, hub: Resources
) -> None:
    first = (await client.get("/things", params={"by": "number", "limit": 10})).json()
    async with hub.database.write() as session:
        session.add(Thing(name="late", taken_by=-5))

    rest = await client.get(
        "/things", params={"by": "number", "limit": 100, "cursor": first["next_cursor"]}
    )

    assert len(first["items"] + rest.json()["items"]) == 23


async def test_a_cursor_of_another_listing_is_refused(client: httpx2.AsyncClient) -> None:
    page = (await client.get("/things", params={"by": "at", "limit": 2})).json()

    for other in ("at-", "note", "number"):
        answer = await client.get("/things", params={"by": other, "cursor": page["next_cursor"]})
        assert_is_problem(answer, 400, "invalid_cursor")


def cursor(*content: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(content)).decode().rstrip("=")


ID = "01890000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("by", "made_up"),
    [
        ("at", ""),
        ("at", "x"),
        ("at", "=" * 8),
        ("at", "é"),
        ("at", "A" * 500),
        ("at", cursor()),
        ("at", cursor(1)),
        ("at", cursor("thing.at.False")),
        ("at", cursor("thing.at.False", None, ID)),
        ("at", cursor("thing.at.False", 5, ID)),
        ("at", cursor("thing.at.False", [], ID)),
        ("at", cursor("thing.at.False", "yesterday", ID)),
        ("at", cursor("thing.at.False", "2026-03-01T12:00:00", ID)),
        ("at", cursor("thing.at.False", "9999-12-31T23:59:59-12:00", ID)),
        ("at", cursor("thing.at.False", "0001-01-01T00:00:00+12:00", ID)),
        ("at", cursor("thing.at.False", "2026-03-01T12:00:00Z", "no id")),
        ("at", cursor("thing.at.False", "2026-03-01T12:00:00Z", 5)),
        ("at", cursor("thing.at.False", "2026-03-01T12:00:00Z", ID, ID)),
        ("note", cursor("thing.note.False", "a\x00b", ID)),
        ("note", cursor("thing.note.False", 5, ID)),
        ("note", base64.urlsafe_b64encode(b'["thing.note.False","\\ud800","x"]').decode()),
        ("number", cursor("thing.number.False", "5", ID)),
        ("number", cursor("thing.number.False", 2**63, ID)),
        ("number", cursor("thing.number.False", 2**31, ID)),
        ("number", cursor("thing.number.False", True, ID)),
        ("number", cursor("thing.number.False", 1.5, ID)),
        ("at", base64.urlsafe_b64encode(b"[" * 300).decode()),
        ("at", base64.urlsafe_b64encode(b'{"a": 1}').decode()),
    ],
)
async def test_a_made_up_cursor_is_refused(
    client: httpx2.AsyncClient, by: str, made_up: str
) -> None:
    answer = await client.get("/things", params={"by": by, "cursor": made_up})

    assert_is_problem(answer, 400, "invalid_cursor")


@pytest.mark.parametrize(
    ("name", "value"), [("limit", "0"), ("limit", "101"), ("limit", "x"), ("cursor", "x" * 501)]
)
async def test_a_page_has_bounds(
    client: httpx2.AsyncClient, name: Literal["limit", "cursor"], value: str
) -> None:
    answer = await client.get("/things", params={name: value})

    assert_is_problem(answer, 422, "validation_failed")


async def test_a_page_has_20_rows_unless_asked_otherwise(client: httpx2.AsyncClient) -> None:
    assert len((await client.get("/things")).json()["items"]) == 20
