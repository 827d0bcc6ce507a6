"""What the tests about the board have in common."""

from typing import Any

import httpx2

from tests.fixtures.people import Person
from tests.messages.conftest import Talker

POSTS = "/api/v1/posts"
NOBODY = "0199a0c5-dbaf-7e7c-8f91-98f919f84a8c"

type Somebody = Person | Talker


async def write(author: Somebody, title: str = "News", **values: object) -> dict[str, Any]:
    answer = await author.client.post(POSTS, json={"title": title, "content": "Text."} | values)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def remark(author: Somebody, post: dict[str, Any], **values: object) -> dict[str, Any]:
    answer = await author.client.post(path(post, "comments"), json={"content": "Well."} | values)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def path(post: dict[str, Any], *more: object) -> str:
    return "/".join([POSTS, post["id"], *map(str, more)])


async def titles(reader: Somebody, where: str = POSTS, **params: Any) -> list[str]:
    answer = await reader.client.get(where, params=params)
    assert answer.status_code == 200, answer.text
    return [each["title"] for each in answer.json()["items"]]


async def said(reader: Somebody, post: dict[str, Any], **params: Any) -> list[str]:
    answer = await reader.client.get(path(post, "comments"), params=params)
    assert answer.status_code == 200, answer.text
    return [each["content"] for each in answer.json()["items"]]


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]
