"""What the tests about files have in common."""

from io import BytesIO
from typing import Any

import httpx2
from PIL import Image

from tests.fixtures.people import Person
from tests.messages.conftest import Talker

FILES = "/api/v1/files"
NOBODY = "0199a0c5-dbaf-7e7c-8f91-98f919f84a8c"
TEXT = b"What was said stays said.\n"

type Somebody = Person | Talker


def picture(size: tuple[int, int] = (400, 200), kind: str = "PNG") -> bytes:
    written = BytesIO()
    Image.new("RGB", size, "teal").save(written, kind)
    return written.getvalue()


async def send(
    person: Somebody, content: bytes = TEXT, name: str = "notes.txt", *, key: str | None = None
) -> httpx2.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await person.client.post(FILES, files={"file": (name, content)}, headers=headers)


async def sent(person: Somebody, content: bytes = TEXT, name: str = "notes.txt") -> dict[str, Any]:
    answer = await send(person, content, name)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def shown(*files: dict[str, Any]) -> list[dict[str, Any]]:
    """As what they are on shows them."""
    return [{key: each[key] for key in ("id", "name", "content_type", "size")} for each in files]


def path(file: dict[str, Any], *more: str) -> str:
    return "/".join([FILES, file["id"], *more])


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def sees(reader: Somebody, file: dict[str, Any]) -> bool:
    """The bytes and all that is known of them, or nothing of either."""
    answers = [await reader.client.get(path(file, *more)) for more in ((), ("content",))]
    refused = [refusal(each) for each in answers if each.is_error]
    assert refused in ([], [(404, "file_not_found")] * 2)
    return not refused
