"""What the tests about rooms have in common."""

from typing import Any

import httpx2

from tests.fixtures.people import Person

ROOMS = "/api/v1/rooms"
NOBODY = "0199a0c5-dbaf-7e7c-8f91-98f919f84a8c"


async def make_room(owner: Person, name: str, **values: object) -> dict[str, Any]:
    answer = await owner.client.post(ROOMS, json={"name": name} | values)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def path(room: dict[str, Any], *more: object) -> str:
    return "/".join([ROOMS, room["id"], *map(str, more)])


async def call(person: Person, room: dict[str, Any], what: str, **body: object) -> httpx2.Response:
    return await person.client.post(path(room, what), json=body)


async def read(person: Person, room: dict[str, Any], **params: Any) -> dict[str, Any]:
    answer = await person.client.get(path(room), params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def names(person: Person, **params: Any) -> list[str]:
    answer = await person.client.get(ROOMS, params=params)
    assert answer.status_code == 200, answer.text
    return [room["name"] for room in answer.json()["items"]]


async def members(person: Person, room: dict[str, Any]) -> dict[str, str]:
    """Handles and roles, the longest-standing first."""
    answer = await person.client.get(path(room, "members"), params={"limit": 100})
    assert answer.status_code == 200, answer.text
    return {member["handle"]: member["role"] for member in answer.json()["items"]}


async def notified(person: Person, kind: str) -> list[str]:
    answer = await person.client.get("/api/v1/notifications")
    return [item["title"] for item in answer.json()["items"] if item["kind"] == kind]


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]
