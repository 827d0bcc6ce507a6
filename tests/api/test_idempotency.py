"""`Idempotency-Key` on every route that creates something: the same request makes one thing."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import event, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from hubbub.kit.db.dialect import db_now
from hubbub.kit.idempotency import FirstAnswer
from hubbub.kit.ids import new_id
from hubbub.kit.jobs import JobContext, NoArgs
from hubbub.kit.jobs.prune import prune_answers
from hubbub.kit.resources import Resources
from hubbub.settings import AuthSettings, Settings, SignUp
from tests.agents.helpers import AGENTS, make_agent, path
from tests.api.test_routes import operations
from tests.fixtures.factories import sign_up_body
from tests.fixtures.people import Person

USERS, API_KEYS = "/api/v1/users", "/api/v1/api-keys"
INVITATIONS, ENROLMENTS = "/api/v1/auth/invitations", "/api/v1/enrolments"
POSTS, ITEMS, REPORTS = "/api/v1/posts", "/api/v1/items", "/api/v1/reports"
SIGN_UP = sign_up_body()

type Agent = dict[str, Any]
type Creating = Callable[[Agent, Person], tuple[str, object]]

CREATING: dict[str, Creating] = {
    AGENTS: lambda *_: (AGENTS, {"name": "new"}),
    f"{AGENTS}/{{agent_id}}/key": lambda ada, _: (path(ada, "key"), None),
    f"{AGENTS}/{{agent_id}}/gateway/secret": lambda ada, _: (path(ada, "gateway", "secret"), None),
    f"{AGENTS}/{{agent_id}}/blocks": lambda ada, _: (path(ada, "blocks"), {"other": "bob"}),
    f"{AGENTS}/{{agent_id}}/contacts": lambda ada, _: (path(ada, "contacts"), {"other": "bob"}),
    f"{AGENTS}/{{agent_id}}/transfer": lambda ada, bob: (
        path(ada, "transfer"),
        {"user_id": str(bob.id)},
    ),
    API_KEYS: lambda *_: (API_KEYS, {"name": "new", "scopes": ["write", "read"]}),
    INVITATIONS: lambda *_: (INVITATIONS, {"email": "new@example.com"}),
    ENROLMENTS: lambda *_: (ENROLMENTS, {}),
    USERS: lambda *_: (USERS, SIGN_UP),
    "/api/v1/rooms": lambda *_: ("/api/v1/rooms", {"name": "lobby"}),
    "/api/v1/ws-tickets": lambda *_: ("/api/v1/ws-tickets", {}),
    POSTS: lambda *_: (POSTS, {"title": "new", "content": "new", "tags": ["b", "a"]}),
    f"{POSTS}/{{post_id}}/comments": lambda ada, _: (
        f"{POSTS}/{ada['a_post']}/comments",
        {"content": "new"},
    ),
    ITEMS: lambda ada, _: (ITEMS, {"title": "new", "needs": [ada["an_item"]]}),
    f"{ITEMS}/{{item_id}}/dependencies": lambda ada, _: (
        f"{ITEMS}/{ada['an_item']}/dependencies",
        {"item_id": ada["another_item"]},
    ),
    REPORTS: lambda *_: (REPORTS, {"kind": "work"}),
}


async def post(
    client: httpx2.AsyncClient, where: str, body: object, key: str = "k"
) -> httpx2.Response:
    return await client.post(where, json=body, headers={"Idempotency-Key": key})


def outcome(answer: httpx2.Response) -> tuple[int, str]:
    """The status, and what went wrong or whether it was told again."""
    said = answer.json().get("code") or answer.headers.get("idempotency-replayed", "first")
    return answer.status_code, said


async def test_every_route_that_creates_takes_the_header(app: FastAPI) -> None:
    creating = {
        name.removeprefix("POST ")
        for name, operation in operations(app)
        if name.startswith("POST ") and "201" in str(operation["responses"])
    }
    taking = {
        name.removeprefix("POST ")
        for name, operation in operations(app)
        if "'idempotency-key'" in str(operation.get("parameters")).lower()
    }

    assert creating <= taking
    # messages and files have tests of their own
    own = {"/api/v1/messages", "/api/v1/files", "/api/v1/files/batch"}
    assert taking == set(CREATING) | own


@pytest.mark.parametrize("route", CREATING)
async def test_the_same_again_gets_the_first_answer(
    admin: Person, other_user: Person, route: str
) -> None:
    ada = await make_agent(admin, "ada")
    await make_agent(other_user, "bob")
    for name, made_at in (("a_post", POSTS), ("an_item", ITEMS), ("another_item", ITEMS)):
        content = {"title": "T"} | ({"content": "C"} if made_at == POSTS else {})
        ada[name] = (await admin.client.post(made_at, json=content)).json()["id"]
    where, body = CREATING[route](ada, other_user)

    first = await post(admin.client, where, body)
    again = await post(admin.client, where, body)

    assert first.is_success, first.text
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers["content-type"] == first.headers["content-type"]


async def test_another_body_under_the_key_is_409(authenticated_user: Person) -> None:
    one = await post(authenticated_user.client, API_KEYS, {"name": "one"})
    other = await post(authenticated_user.client, API_KEYS, {"name": "other"})
    next_key = await post(authenticated_user.client, API_KEYS, {"name": "other"}, "k2")

    assert [outcome(each) for each in (one, other, next_key)] == [
        (201, "first"),
        (409, "idempotency_key_reused"),
        (201, "first"),
    ]
    listed = (await authenticated_user.client.get(API_KEYS)).json()["items"]
    assert [each["name"] for each in listed] == ["other", "one"]


async def test_another_password_is_another_body(admin: Person) -> None:
    await post(admin.client, USERS, SIGN_UP)

    other = await post(admin.client, USERS, SIGN_UP | {"password": "Other-horse7!"})

    assert outcome(other) == (409, "idempotency_key_reused")


async def test_how_it_was_written_does_not_matter(authenticated_user: Person) -> None:
    one = await post(authenticated_user.client, AGENTS, {"name": "ada", "ordered": False})
    two = await post(authenticated_user.client, AGENTS, {"display_name": None, "name": "ada"})

    assert outcome(two) == (201, "true")
    assert two.json() == one.json()


async def test_the_same_key_for_another_agent_is_another_key(authenticated_user: Person) -> None:
    ada, bob = [await make_agent(authenticated_user, name) for name in ("ada", "bob")]

    answers = [
        await post(authenticated_user.client, path(each, "key"), None) for each in (ada, bob)
    ]

    assert [outcome(each) for each in answers] == [(201, "first")] * 2


async def test_parallel_requests_make_one_thing(authenticated_user: Person) -> None:
    answers = await asyncio.gather(
        *(post(authenticated_user.client, AGENTS, {"name": "ada"}) for _ in range(16))
    )

    assert sorted(map(outcome, answers)) == [(201, "first")] + [(201, "true")] * 15
    assert len({answer.json()["key"] for answer in answers}) == 1


async def test_a_refusal_does_not_use_a_key_up(
    authenticated_user: Person, other_user: Person
) -> None:
    await make_agent(other_user, "ada")

    refused = await post(authenticated_user.client, AGENTS, {"name": "ada"})
    made = await post(authenticated_user.client, AGENTS, {"name": "bob"})

    assert outcome(refused) == (409, "handle_taken")
    assert outcome(made) == (201, "first")


async def test_a_commit_that_fails_keeps_neither_the_thing_nor_the_answer(
    authenticated_user: Person,
) -> None:
    def fail(_: Session) -> None:
        raise OperationalError("COMMIT", None, Exception("database or disk is full"))

    event.listen(Session, "before_commit", fail)
    try:
        failed = await post(authenticated_user.client, AGENTS, {"name": "ada"})
    finally:
        event.remove(Session, "before_commit", fail)
    made = await post(authenticated_user.client, AGENTS, {"name": "ada"})

    assert outcome(failed) == (503, "database_unavailable")
    assert outcome(made) == (201, "first")


@pytest.mark.parametrize("key", ["", "a" * 256, "a\tb", "é"])
async def test_a_key_is_printable_and_fits(authenticated_user: Person, key: str) -> None:
    answer = await authenticated_user.client.post(
        AGENTS, json={"name": "ada"}, headers=[(b"idempotency-key", key.encode("latin-1"))]
    )

    assert outcome(answer) == (422, "invalid_idempotency_key")
    assert (await authenticated_user.client.post(AGENTS, json={"name": "ada"})).is_success


class TestCallers:
    async def test_keys_of_others_are_others(
        self, authenticated_user: Person, other_user: Person
    ) -> None:
        mine = await post(authenticated_user.client, API_KEYS, {"name": "one"})
        theirs = await post(other_user.client, API_KEYS, {"name": "one"})

        assert outcome(mine) == outcome(theirs) == (201, "first")
        assert mine.json()["key"] != theirs.json()["key"]

    async def test_an_agents_are_not_its_owners(
        self, client: httpx2.AsyncClient, authenticated_user: Person, other_user: Person
    ) -> None:
        ada = await make_agent(authenticated_user, "ada")
        await make_agent(other_user, "bob")
        where, body = path(ada, "blocks"), {"other": "bob"}

        owners = await post(authenticated_user.client, where, body)
        headers = {"Idempotency-Key": "k", "Authorization": f"Bearer {ada['key']}"}
        own = await client.post(where, json=body, headers=headers)

        assert outcome(owners) == outcome(own) == (201, "first")

    async def test_an_api_key_is_not_told_what_it_may_not_make(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        scopes = ["read", "write", "admin"]
        key = (await admin.client.post(API_KEYS, json={"name": "k", "scopes": scopes})).json()
        headers = {"X-API-Key": key["key"], "Idempotency-Key": "k"}

        invited = await post(admin.client, INVITATIONS, {"role": "admin"})
        told = await client.post(INVITATIONS, json={"role": "admin"}, headers=headers)

        assert outcome(invited) == (201, "first")
        assert outcome(told) == (403, "session_required")

    async def test_who_has_lost_the_credential_is_told_nothing(
        self, authenticated_user: Person
    ) -> None:
        await post(authenticated_user.client, AGENTS, {"name": "ada"})
        await authenticated_user.client.post("/api/v1/auth/logout")

        answer = await post(authenticated_user.client, AGENTS, {"name": "ada"})

        assert answer.status_code == 401

    async def test_an_enrolment_that_is_used_up_still_tells_the_key(
        self, client: httpx2.AsyncClient, authenticated_user: Person
    ) -> None:
        enrolment = (await authenticated_user.client.post(ENROLMENTS, json={})).json()
        client.headers["Authorization"] = f"Bearer {enrolment['token']}"

        answers = await asyncio.gather(*(post(client, AGENTS, {"name": "ada"}) for _ in range(16)))
        later = await post(client, AGENTS, {"name": "ada"})
        unkeyed = await client.post(AGENTS, json={"name": "bob"})

        assert sorted(map(outcome, answers)) == [(201, "first")] + [(201, "true")] * 15
        assert later.json() == answers[0].json()
        assert outcome(unkeyed) == (401, "invalid_enrolment")


class TestSignUp:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"auth": AuthSettings(sign_up=SignUp.OPEN)})

    async def test_strangers_with_one_key_are_not_each_other(
        self, client: httpx2.AsyncClient
    ) -> None:
        one, other = sign_up_body(), sign_up_body()

        answers = [await post(client, USERS, body) for body in (one, other, one)]

        assert list(map(outcome, answers)) == [(201, "first"), (201, "first"), (201, "true")]
        assert answers[2].json() == answers[0].json()

    async def test_who_does_not_know_the_password_is_told_nothing(
        self, client: httpx2.AsyncClient
    ) -> None:
        body = sign_up_body()
        await post(client, USERS, body)

        answer = await post(client, USERS, body | {"password": "Guessed-horse7!"})

        assert answer.status_code == 409
        assert outcome(answer) != (409, "idempotency_key_reused")

    async def test_parallel_ones_make_one_account(self, client: httpx2.AsyncClient) -> None:
        body = sign_up_body()

        answers = await asyncio.gather(*(post(client, USERS, body) for _ in range(16)))

        assert sorted(map(outcome, answers)) == [(201, "first")] + [(201, "true")] * 15
        assert len({answer.json()["id"] for answer in answers}) == 1


async def test_nothing_of_it_is_stored_in_the_clear(
    hub: Resources, settings: Settings, admin: Person, distributed: bool
) -> None:
    body = sign_up_body()
    made = (await post(admin.client, AGENTS, {"name": "ada"}, "a-key-of-the-caller")).json()
    await post(admin.client, USERS, body, "a-key-of-the-caller")

    async with hub.database.read() as session:
        rows = repr((await session.execute(text("SELECT * FROM first_answer"))).all()).encode()
    files = b"" if distributed else contents(settings.data_dir)

    for secret in (made["key"], str(body["password"]), "a-key-of-the-caller"):
        assert secret.encode() not in rows + files


def contents(folder: Path) -> bytes:
    """The database as it is on the disk, with what hasn't been moved into it yet."""
    found = [file.read_bytes() for file in folder.glob("hubbub.db*")]
    assert b"first_answer" in b"".join(found)
    return b"".join(found)


async def age(hub: Resources, days: float) -> None:
    """Makes what was answered just now as old as that."""
    async with hub.database.write() as session:
        await session.execute(
            update(FirstAnswer)
            .where(FirstAnswer.created_at > db_now(-3600))
            .values(created_at=db_now(-days * 86400))
        )


async def test_keys_are_forgotten_in_time_and_not_before(
    hub: Resources, authenticated_user: Person
) -> None:
    client = authenticated_user.client
    days = hub.settings.idempotency_days
    old = await post(client, API_KEYS, {"name": "one"}, "old")
    await age(hub, days + 0.01)
    young = await post(client, API_KEYS, {"name": "one"}, "young")
    await age(hub, days - 0.01)

    await prune_answers(JobContext(hub, new_id(), 1), NoArgs())

    again = [await post(client, API_KEYS, {"name": "one"}, key) for key in ("old", "young")]
    assert list(map(outcome, again)) == [(201, "first"), (201, "true")]
    assert again[0].json()["id"] != old.json()["id"]
    assert again[1].json()["id"] == young.json()["id"]
