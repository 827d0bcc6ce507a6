from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from hubbub.kit.resources import Resources
from hubbub.notifications.models import Notification
from hubbub.notifications.service import notify
from hubbub.notifications.types import ABOUT, Kind
from tests.fixtures.mail import Inbox
from tests.fixtures.people import Person

PREFERENCES = "/api/v1/notifications/preferences"
PAUSED = "messages.gateway_paused"


async def shown(person: Person) -> dict[str, dict[str, Any]]:
    answer = await person.client.get(PREFERENCES)
    assert answer.status_code == 200
    return {each["kind"]: each for each in answer.json()["preferences"]}


async def choose(person: Person, **wish: Any) -> httpx2.Response:
    chosen = {"kind": PAUSED, "hub": True, "email": True} | wish
    return await person.client.patch(PREFERENCES, json={"preferences": [chosen]})


async def tell(hub: Resources, person: Person, title: str, kind: str = PAUSED) -> None:
    async with hub.database.write() as session:
        await notify(session, person.id, kind, title)


async def titles(person: Person) -> list[str]:
    page = (await person.client.get("/api/v1/notifications")).json()
    return [each["title"] for each in page["items"]]


async def test_nobody_chooses_without_a_credential(client: httpx2.AsyncClient) -> None:
    assert (await client.get(PREFERENCES)).status_code == 401
    assert (await client.patch(PREFERENCES, json={})).status_code == 401


async def test_a_key_that_only_reads_chooses_nothing(
    client: httpx2.AsyncClient, authenticated_user: Person
) -> None:
    made = await authenticated_user.client.post(
        "/api/v1/api-keys", json={"name": "k", "scopes": ["read"]}
    )
    headers = {"X-API-Key": made.json()["key"]}
    body = {"preferences": [{"kind": PAUSED, "hub": True, "email": False}]}

    assert (await client.get(PREFERENCES, headers=headers)).status_code == 200
    refused = await client.patch(PREFERENCES, json=body, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")


@pytest.mark.parametrize(
    "preferences",
    [
        [],
        [{"kind": "no.such", "hub": True, "email": True}],
        [{"kind": "auth.token_stolen", "hub": False, "email": False}],
        [{"kind": PAUSED, "hub": True}],
        [{"kind": PAUSED, "hub": "perhaps", "email": True}],
        [{"kind": PAUSED, "hub": True, "email": True}] * 2,
        [{"kind": PAUSED, "hub": True, "email": True, "sms": True}],
    ],
)
async def test_what_can_not_be_chosen(
    authenticated_user: Person, preferences: list[dict[str, Any]]
) -> None:
    answer = await authenticated_user.client.patch(PREFERENCES, json={"preferences": preferences})

    assert answer.status_code == 422


def test_each_kind_says_what_it_is_about() -> None:
    assert set(ABOUT) == set(Kind)


async def test_what_is_chosen_stays_and_is_ones_own(
    authenticated_user: Person, other_user: Person
) -> None:
    before = await shown(authenticated_user)
    assert set(before) == set(Kind)
    assert (before[PAUSED]["hub"], before[PAUSED]["email"]) == (True, True)

    changed = await choose(authenticated_user, email=False)

    assert changed.status_code == 200
    after = await shown(authenticated_user)
    assert changed.json()["preferences"] == list(after.values())
    assert after == before | {PAUSED: before[PAUSED] | {"email": False}}
    assert await shown(other_user) == before
    await choose(authenticated_user, hub=False)
    last = (await shown(authenticated_user))[PAUSED]
    assert (last["hub"], last["email"]) == (False, True)


async def test_who_wants_no_mail_gets_none(
    hub: Resources, inbox: Inbox, authenticated_user: Person, other_user: Person
) -> None:
    await choose(authenticated_user, email=False)
    await tell(hub, authenticated_user, "listed")
    await tell(hub, other_user, "mailed")

    assert (await inbox.next()).subject == "mailed"
    assert await titles(authenticated_user) == ["listed"]
    async with hub.database.read() as session:
        mails = await session.scalars(
            select(Notification.mail).where(Notification.user_id == authenticated_user.id)
        )
        assert list(mails) == [None]


async def test_who_wants_mail_alone_finds_nothing_in_the_hub(
    hub: Resources, inbox: Inbox, authenticated_user: Person
) -> None:
    await choose(authenticated_user, hub=False)
    await tell(hub, authenticated_user, "mailed")

    assert (await inbox.next()).subject == "mailed"
    assert await titles(authenticated_user) == []
    count = await authenticated_user.client.get("/api/v1/notifications/count")
    assert count.json() == {"unread": 0}
    async with hub.database.read() as session:
        [hidden] = await session.scalars(select(Notification.id))
    marked = await authenticated_user.client.post(
        "/api/v1/notifications/read", json={"up_to": str(hidden)}
    )
    assert (marked.status_code, marked.json()["code"]) == (404, "notification_not_found")


async def test_who_wants_nothing_is_told_nothing(
    hub: Resources, authenticated_user: Person
) -> None:
    await choose(authenticated_user, hub=False, email=False)
    await tell(hub, authenticated_user, "nothing")

    async with hub.database.read() as session:
        assert (await session.scalars(select(Notification))).all() == []


async def test_a_stolen_token_is_told_whatever_is_chosen(
    hub: Resources, inbox: Inbox, authenticated_user: Person
) -> None:
    for kind in Kind:
        await choose(authenticated_user, kind=kind, hub=False, email=False)
    await tell(hub, authenticated_user, "stolen", kind="auth.token_stolen")

    assert (await inbox.next()).subject == "stolen"
    assert await titles(authenticated_user) == ["stolen"]


async def test_choosing_is_written_down(authenticated_user: Person) -> None:
    await choose(authenticated_user, email=False)

    answer = await authenticated_user.client.get(
        "/api/v1/activity", params={"action": "notifications"}
    )

    [act] = answer.json()["items"]
    assert (act["object_id"], act["details"]) == (str(authenticated_user.id), {"kinds": PAUSED})
