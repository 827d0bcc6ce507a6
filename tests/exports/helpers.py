"""What the tests about exports have in common."""

import csv
import io
from typing import Any

import httpx2
import orjson

from tests.fixtures.people import Person
from tests.messages.conftest import Talker

EXPORTS = "/api/v1/exports"
KINDS = ("users", "agents", "rooms", "messages", "deliveries", "items", "posts", "activity")

type Somebody = Person | Talker
type Row = dict[str, str]


async def export(who: Somebody, kind: str, **params: Any) -> httpx2.Response:
    return await who.client.get(f"{EXPORTS}/{kind}", params=params)


async def rows(who: Somebody, kind: str, **params: Any) -> list[Row]:
    answer = await export(who, kind, **params)
    assert answer.status_code == 200, answer.text
    return table(answer.text)


def table(text: str) -> list[Row]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def objects(who: Somebody, kind: str, **params: Any) -> list[dict[str, Any]]:
    answer = await export(who, kind, format="jsonl", **params)
    assert answer.status_code == 200, answer.text
    return [orjson.loads(line) for line in answer.text.split("\n") if line]
