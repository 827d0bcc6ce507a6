"""Whatever a hub took from its callers, another one takes from its file."""

from typing import Any

import pytest

from hubbub.settings import Settings
from tests.exports.hubs import Edited, file_of, fill
from tests.exports.test_whole_hub import empty, on_sqlite, sealed
from tests.files.helpers import sent
from tests.fixtures.people import Person

__all__ = ["empty", "on_sqlite"]
AGENTS = "/api/v1/agents"

ODD_NAMES = [
    # cut behind a blank, put together by what was between them, cut within a character
    "a" * 254 + " b",
    "a" * 254 + ".b",
    "e\u200b\u0301.txt",
    "é" * 300 + ".txt",
    "CON.txt",
    "\U0001f469\u200d\U0001f469.txt",
]


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_odd_names_of_files(
    settings: Settings, empty: Settings, authenticated_user: Person, name: str
) -> None:
    await sent(authenticated_user, name=name)
    original = await file_of(settings)

    await fill(empty, original)

    assert await file_of(empty) == original


@pytest.mark.parametrize("name", ["a" * 254 + " ", "e\u0301.txt", "\U0001fae9.txt"])
async def test_names_of_files_that_would_be_cleaned_in_another_way_today(
    settings: Settings, empty: Settings, authenticated_user: Person, name: str
) -> None:
    await sent(authenticated_user)
    edited = sealed(Edited.of(await file_of(settings)).change("file", {"name": name}))

    await fill(empty, edited)

    assert f'"name":"{name}"'.encode() in await file_of(empty)


async def test_long_addresses_that_grow_when_they_are_stored(
    settings: Settings, empty: Settings, admin: Person
) -> None:
    """Each is refused at once, or taken and kept."""
    api = admin.client
    for number, url in enumerate(("é" * 340, "é" * 500)):
        new = {"name": f"far-{number}", "gateway_kind": "webhook"}
        made = await api.post(AGENTS, json=new | {"gateway_url": f"http://example.com/{url}"})
        assert made.status_code == (201, 422)[number], made.text
    for number, local in enumerate(("İ" * 60, "İ" * 90)):
        body: dict[str, Any] = {
            "email": f"{local}@{'a' * 60}.com",
            "username": f"far-{number}",
            "full_name": "Far",
            "password": "Correct-horse7!",
        }
        signed_up = await api.post("/api/v1/users", json=body)
        assert signed_up.status_code == (201, 422)[number], signed_up.text
    original = await file_of(settings)

    await fill(empty, original)

    assert await file_of(empty) == original
