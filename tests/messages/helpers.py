"""What the tests about messages have in common."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy import text, update

from hubbub.kit.db.counter import Counter
from hubbub.kit.db.dialect import db_now
from hubbub.kit.resources import Resources
from hubbub.messages.models import FanOut
from tests.messages.conftest import Talker

MESSAGES = "/api/v1/messages"
BATCH = f"{MESSAGES}/batch"
ROOMS = "/api/v1/rooms"


async def room_of(owner: Talker, *members: Talker, name: str = "ops", **values: Any) -> str:
    """Makes a room with these in it; returns its id."""
    made = await owner.client.post(ROOMS, json={"name": name, "visibility": "public"} | values)
    assert made.status_code == 201, made.text
    room_id: str = made.json()["id"]
    for each in members:
        await join(each, room_id, invited_by=owner)
    return room_id


async def join(talker: Talker, room_id: str, *, invited_by: Talker | None = None) -> None:
    if invited_by is not None:
        body = {"participants": [talker.handle]}
        await invited_by.client.post(f"{ROOMS}/{room_id}/invite", json=body)
    answer = await talker.client.post(f"{ROOMS}/{room_id}/join")
    assert answer.status_code == 200, answer.text


async def act(talker: Talker, room_id: str, what: str, **body: Any) -> None:
    answer = await talker.client.post(f"{ROOMS}/{room_id}/{what}", json=body or None)
    assert answer.status_code < 300, answer.text


async def say(
    talker: Talker, content: str = "hello", room: str = "ops", **more: Any
) -> httpx2.Response:
    headers = {"Idempotency-Key": more.pop("key")} if "key" in more else {}
    body = {"to": [f"room:{room}"], "content": content} | more
    return await talker.client.post(MESSAGES, json=body, headers=headers)


async def history(talker: Talker, room_id: str, **params: Any) -> dict[str, Any]:
    answer = await talker.client.get(f"{ROOMS}/{room_id}/messages", params=params)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


def texts(page: dict[str, Any]) -> list[str | None]:
    """What entries say; None for a tombstone."""
    return [entry["message"] and entry["message"]["content"] for entry in page["items"]]


def numbers(page: dict[str, Any]) -> list[int]:
    return [entry["seq"] for entry in page["items"]]


async def heard(talker: Talker) -> list[str | None]:
    return texts(await talker.read(limit=100))


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def ahead(**by: float) -> str:
    return (datetime.now(UTC) + timedelta(**by)).isoformat()


async def let_come_due(hub: Resources, message_id: str) -> None:
    """Its time to be delivered is now."""
    async with hub.database.write() as session:
        await session.execute(
            update(FanOut).where(FanOut.message_id == UUID(message_id)).values(due_at=db_now())
        )


async def open_in(hub: Resources, talker: Talker) -> int:
    async with hub.database.read() as session:
        counter = await session.get(Counter, talker.id)
        return counter.open if counter is not None else 0


async def count(hub: Resources, table: str) -> int:
    async with hub.database.read() as session:
        return int(await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)
