from typing import Any
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import select

from hubbub.auth.service.sessions import TokenStolen
from hubbub.kit.ids import new_id
from hubbub.kit.jobs import JobContext
from hubbub.kit.resources import Resources
from hubbub.notifications.jobs import warn_of_stolen_token
from hubbub.notifications.models import Notification
from hubbub.notifications.service import notify
from tests.fixtures.people import Person
from tests.fixtures.waiting import eventually

NOTIFICATIONS = "/api/v1/notifications"


async def leave(hub: Resources, person: Person, *titles: str) -> None:
    for title in titles:
        async with hub.database.write() as session:
            await notify(session, person.id, "test.happened", title, "<b>body</b>")


async def listed(person: Person, **params: Any) -> dict[str, Any]:
    answer = await person.client.get(NOTIFICATIONS, params=params)
    assert answer.status_code == 200
    page: dict[str, Any] = answer.json()
    return page


async def test_nobody_reads_them_without_a_credential(client: httpx2.AsyncClient) -> None:
    assert (await client.get(NOTIFICATIONS)).status_code == 401
    assert (await client.post(f"{NOTIFICATIONS}/read", json={})).status_code == 401


async def test_are_listed_newest_first_and_only_to_whom_they_are_for(
    hub: Resources, authenticated_user: Person, other_user: Person
) -> None:
    await leave(hub, authenticated_user, "first", "second")
    await leave(hub, other_user, "not mine")

    page = await listed(authenticated_user)

    assert [each["title"] for each in page["items"]] == ["second", "first"]
    assert page["unread"] == 2


async def test_listing_reads_nothing_and_marking_does(
    hub: Resources, authenticated_user: Person
) -> None:
    await leave(hub, authenticated_user, "first", "second", "third")
    first = (await listed(authenticated_user))["items"][-1]

    marked = await authenticated_user.client.post(
        f"{NOTIFICATIONS}/read", json={"ids": [first["id"]]}
    )
    unread = await listed(authenticated_user, unread=True)
    everything = await authenticated_user.client.post(
        f"{NOTIFICATIONS}/read", json={"everything": True}
    )

    assert marked.json() == {"unread": 2}
    assert [each["title"] for each in unread["items"]] == ["third", "second"]
    assert everything.json() == {"unread": 0}
    assert all(each["read_at"] for each in (await listed(authenticated_user))["items"])


async def test_those_of_others_can_not_be_marked(
    hub: Resources, authenticated_user: Person, other_user: Person
) -> None:
    await leave(hub, other_user, "not mine")
    theirs = (await listed(other_user))["items"][0]["id"]

    answer = await authenticated_user.client.post(
        f"{NOTIFICATIONS}/read", json={"ids": [theirs, str(uuid4())]}
    )

    assert answer.status_code == 200
    assert (await listed(other_user))["unread"] == 1


async def test_all_up_to_one_are_marked_as_they_are_listed(
    hub: Resources, authenticated_user: Person, other_user: Person
) -> None:
    await leave(hub, authenticated_user, "first", "second", "third")
    await leave(hub, other_user, "not mine")
    items = (await listed(authenticated_user))["items"]

    marked = await authenticated_user.client.post(
        f"{NOTIFICATIONS}/read", json={"up_to": items[1]["id"]}
    )

    assert marked.json() == {"unread": 1}
    unread = await listed(authenticated_user, unread=True)
    assert [each["title"] for each in unread["items"]] == ["third"]
    assert (await listed(other_user))["unread"] == 1
    theirs = (await listed(other_user))["items"][0]["id"]
    for foreign in (theirs, str(uuid4())):
        answer = await authenticated_user.client.post(
            f"{NOTIFICATIONS}/read", json={"up_to": foreign}
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "notification_not_found")


async def test_how_many_are_unread(
    client: httpx2.AsyncClient, hub: Resources, authenticated_user: Person
) -> None:
    await leave(hub, authenticated_user, "first", "second")
    where = f"{NOTIFICATIONS}/count"

    assert (await client.get(where)).status_code == 401
    assert (await authenticated_user.client.get(where)).json() == {"unread": 2}


async def test_a_key_that_only_reads_marks_nothing(
    client: httpx2.AsyncClient, authenticated_user: Person
) -> None:
    scopes = {"name": "k", "scopes": ["read"]}
    made = await authenticated_user.client.post("/api/v1/api-keys", json=scopes)
    headers = {"X-API-Key": made.json()["key"]}

    refused = await client.post(f"{NOTIFICATIONS}/read", json={"everything": True}, headers=headers)

    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert (await client.get(NOTIFICATIONS, headers=headers)).status_code == 200


async def test_a_long_title_is_cut(hub: Resources, authenticated_user: Person) -> None:
    await leave(hub, authenticated_user, "x" * 500)

    assert [each["title"] for each in (await listed(authenticated_user))["items"]] == ["x" * 200]


async def test_pages_follow_each_other(hub: Resources, authenticated_user: Person) -> None:
    await leave(hub, authenticated_user, *(str(number) for number in range(5)))
    seen: list[str] = []
    cursor = None

    while True:
        page = await listed(authenticated_user, limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [each["title"] for each in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break

    assert seen == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ids": []},
        {"ids": ["x"]},
        {"up_to": "x"},
        {"ids": [str(uuid4())], "everything": True},
        {"up_to": str(uuid4()), "everything": True},
    ],
)
async def test_marking_says_what(authenticated_user: Person, body: dict[str, object]) -> None:
    answer = await authenticated_user.client.post(f"{NOTIFICATIONS}/read", json=body)

    assert answer.status_code == 422


async def test_a_stolen_token_is_told_to_its_owner(
    client: httpx2.AsyncClient, authenticated_user: Person
) -> None:
    """From the transaction through the outbox and a job into the list."""
    body = {"refresh_token": authenticated_user.tokens["refresh_token"]}
    for _ in range(2):
        await client.post("/api/v1/auth/refresh", json=body)
    again = await client.post(
        "/api/v1/auth/token",
        data={"username": authenticated_user.email, "password": "Correct-horse7!"},
    )
    authenticated_user.client.headers["Authorization"] = f"Bearer {again.json()['access_token']}"

    async def told() -> bool:
        items = (await listed(authenticated_user))["items"]
        return [each["kind"] for each in items] == ["auth.token_stolen"]

    await eventually(told)


async def test_notifying_once_is_once(hub: Resources, authenticated_user: Person) -> None:
    once = uuid4()
    for _ in range(2):
        async with hub.database.write() as session:
            await notify(session, authenticated_user.id, "test.happened", "Once", once=once)

    assert (await listed(authenticated_user))["unread"] == 1


async def test_who_was_deleted_meanwhile_is_told_nothing(
    hub: Resources, authenticated_user: Person, admin: Person
) -> None:
    assert (await admin.client.delete(authenticated_user.path)).status_code == 204

    await warn_of_stolen_token(
        JobContext(hub, new_id(), 1), TokenStolen(user_id=authenticated_user.id)
    )

    async with hub.database.read() as session:
        assert (await session.scalars(select(Notification))).all() == []
