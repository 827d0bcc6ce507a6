"""What the tests about items have in common."""

from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy import update

from hubbub.items.models import Item
from hubbub.items.types import Status
from hubbub.kit.db.dialect import db_now
from hubbub.kit.ids import new_id
from hubbub.kit.resources import Resources
from hubbub.messages.types import Priority
from tests.fixtures.people import Person
from tests.messages.conftest import Talker

ITEMS = "/api/v1/items"
NOBODY = "0199a0c5-dbaf-7e7c-8f91-98f919f84a8c"

type Somebody = Person | Talker
type Made = dict[str, Any]


async def make(author: Somebody, title: str = "Work", **values: object) -> Made:
    answer = await author.client.post(ITEMS, json={"title": title} | values)
    assert answer.status_code == 201, answer.text
    made: Made = answer.json()
    return made


def path(item: Made, *more: object) -> str:
    return "/".join([ITEMS, item["id"], *map(str, more)])


async def post(who: Somebody, item: Made, what: str, **body: object) -> httpx2.Response:
    return await who.client.post(path(item, what), json=body)


async def done(who: Somebody, item: Made, what: str, **body: object) -> Made:
    answer = await post(who, item, what, **body)
    assert answer.is_success, answer.text
    shown: Made = answer.json()
    return shown


async def read(who: Somebody, item: Made) -> Made:
    answer = await who.client.get(path(item))
    assert answer.status_code == 200, answer.text
    shown: Made = answer.json()
    return shown


async def titles(who: Somebody, **params: Any) -> list[str]:
    answer = await who.client.get(ITEMS, params=params)
    assert answer.status_code == 200, answer.text
    return [each["title"] for each in answer.json()["items"]]


async def acts(who: Somebody, item: Made) -> list[tuple[str, str | None]]:
    """What happened, and who did it."""
    answer = await who.client.get(path(item, "history"), params={"limit": 100})
    assert answer.status_code == 200, answer.text
    return [(each["act"], each["by"] and each["by"]["name"]) for each in answer.json()["items"]]


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def let_lapse(hub: Resources, item: Made) -> None:
    """As if the time of its lease had passed just now."""
    async with hub.database.write() as session:
        await session.execute(
            update(Item).where(Item.id == UUID(item["id"])).values(lease_until=db_now(-1))
        )


def rows_like(item: Made, count: int, **values: Any) -> list[Item]:
    """Many more of the same creator, for what would take too many requests."""
    given = {
        "title": "Work",
        "body": "",
        "priority": Priority.NORMAL,
        "rank": 2,
        "status": Status.OPEN,
        "creator_id": UUID(item["creator"]["id"]),
    } | values
    return [Item(id=new_id(), **given) for _ in range(count)]
