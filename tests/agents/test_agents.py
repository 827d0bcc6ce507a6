import asyncio
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from hubbub.kit.resources import Resources
from tests.agents.helpers import AGENTS, TOKEN, as_agent, key_of, make_agent, openclaw, path
from tests.fixtures.people import MakePerson, Person

NOBODY = "0199a0c5-dbaf-7e7c-8f91-98f919f84a8c"
PRIVATE = (
    "owner_id",
    "accepts",
    "gateway_kind",
    "gateway_url",
    "session_key",
    "ordered",
    "max_in_flight",
    "retry_ambiguous",
)


class TestWithoutCredential:
    @pytest.mark.parametrize(
        ("method", "where"),
        [
            ("GET", AGENTS),
            ("POST", AGENTS),
            ("GET", f"{AGENTS}/{NOBODY}"),
            ("PATCH", f"{AGENTS}/{NOBODY}"),
            ("DELETE", f"{AGENTS}/{NOBODY}"),
            ("GET", f"{AGENTS}/{NOBODY}/presence"),
            ("POST", f"{AGENTS}/{NOBODY}/key"),
        ],
    )
    async def test_all_is_out_of_reach(
        self, client: httpx2.AsyncClient, method: str, where: str
    ) -> None:
        none = await client.request(method, where)
        wrong = await client.request(method, where, headers={"X-API-Key": "agt_" + "a" * 43})

        assert (none.status_code, none.json()["code"]) == (401, "unauthenticated")
        assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid_token")


class TestRegistering:
    async def test_gives_the_agent_and_its_key(
        self, client: httpx2.AsyncClient, authenticated_user: Person
    ) -> None:
        body = openclaw(name="Ada.1", session_key="own", skills=["math"], description="a\nb")

        answer = await authenticated_user.client.post(AGENTS, json=body)

        assert answer.status_code == 201, answer.text
        made = answer.json()
        assert (made["name"], made["display_name"], made["kind"]) == ("ada.1", "Ada.1", "agent")
        assert made["owner_id"] == str(authenticated_user.id)
        assert made["gateway_kind"] == "openclaw"
        assert made["gateway_url"] == body["gateway_url"]
        assert made["session_key"] == "own"
        assert made["created_at"].endswith("Z")
        assert made["key"].startswith("agt_")
        assert "gateway_token" not in made
        assert TOKEN not in answer.text
        assert (await client.get(AGENTS, headers=key_of(made))).status_code == 200

    @pytest.mark.parametrize(
        ("kind", "values", "session_key"),
        [
            ("none", {}, None),
            (None, {}, None),
            ("webhook", {"gateway_url": "http://127.0.0.1:9/hook?x=1"}, None),
            ("openclaw", openclaw(), "hook:hub:ada"),
            ("openclaw-chat", openclaw(), "agent:main:hub-ada"),
        ],
    )
    async def test_each_kind_of_gateway(
        self,
        authenticated_user: Person,
        kind: str | None,
        values: dict[str, object],
        session_key: str | None,
    ) -> None:
        made = await make_agent(authenticated_user, "Ada", gateway_kind=kind, **values)

        assert (made["gateway_kind"], made["session_key"]) == (kind or "none", session_key)

    @pytest.mark.parametrize(
        "values",
        [
            {"gateway_kind": "openclaw"},
            {"gateway_kind": "openclaw", "gateway_url": "http://x.example"},
            {"gateway_url": "http://x.example"},
            {"gateway_token": TOKEN},
            {"gateway_kind": "none", "gateway_url": "http://x.example"},
            {"session_key": "x"},
            {"gateway_kind": "webhook"},
            openclaw(gateway_kind="webhook"),
            openclaw(gateway_url="http://x.example/?a=b"),
        ],
    )
    async def test_a_gateway_that_is_not_whole_is_refused(
        self, authenticated_user: Person, values: dict[str, object]
    ) -> None:
        answer = await authenticated_user.client.post(AGENTS, json={"name": "ada"} | values)

        assert (answer.status_code, answer.json()["code"]) == (422, "gateway_incomplete")

    @pytest.mark.parametrize(
        "change",
        [
            {"name": ""},
            {"name": "-a"},
            {"name": "a b"},
            {"name": "a\n"},
            {"name": "\u212aelvin"},
            {"name": "a" * 65},
            {"name": NOBODY},
            {"name": NOBODY.replace("-", "")},
            {"display_name": " "},
            {"description": "a" * 2001},
            {"description": "\x00"},
            {"skills": ["a"] * 51},
            {"skills": [""]},
            {"accepts": "some"},
            {"gateway_kind": "pigeon"},
            {"gateway_url": "ftp://x.example"},
            {"gateway_url": "https://user@x.example"},
            {"gateway_url": "https://:secret@x.example"},
            {"gateway_url": "https://x.example/#part"},
            {"gateway_url": "javascript:alert(1)"},
            {"gateway_token": "two\r\nlines"},
            {"gateway_token": ""},
            {"session_key": "ünicode"},
            {"max_in_flight": 0},
            {"max_in_flight": 65},
            {"kind": "person"},
        ],
    )
    async def test_refuses_what_is_not_acceptable(
        self, authenticated_user: Person, change: dict[str, object]
    ) -> None:
        answer = await authenticated_user.client.post(AGENTS, json={"name": "ada"} | change)

        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
        assert "secret" not in answer.text

    async def test_a_name_is_taken_whatever_its_case_and_for_ever(
        self, authenticated_user: Person, other_user: Person
    ) -> None:
        made = await make_agent(authenticated_user, "ada")
        while_there = await other_user.client.post(AGENTS, json={"name": "ADA"})
        await authenticated_user.client.delete(path(made))
        afterwards = await authenticated_user.client.post(AGENTS, json={"name": "Ada"})
        reserved = await authenticated_user.client.post(AGENTS, json={"name": "Everyone"})

        for answer in (while_there, afterwards, reserved):
            assert (answer.status_code, answer.json()["code"]) == (409, "handle_taken")

    async def test_of_many_who_want_one_name_one_gets_it(self, people: MakePerson) -> None:
        owners = [await people() for _ in range(4)]

        answers = await asyncio.gather(
            *(owners[number % 4].client.post(AGENTS, json={"name": "Ada"}) for number in range(16))
        )

        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 15

    async def test_an_agent_can_not_register_others(
        self, client: httpx2.AsyncClient, authenticated_user: Person
    ) -> None:
        made = await make_agent(authenticated_user, "ada")

        answer = await as_agent(client, made, "POST", AGENTS, json={"name": "bob"})

        assert (answer.status_code, answer.json()["code"]) == (403, "user_required")

    async def test_an_api_key_does_as_far_as_it_may(
        self, client: httpx2.AsyncClient, authenticated_user: Person
    ) -> None:
        keys = [
            (await authenticated_user.client.post("/api/v1/api-keys", json=body)).json()["key"]
            for body in ({"name": "rw"}, {"name": "r", "scopes": ["read"]})
        ]

        answers = [
            await client.post(AGENTS, json={"name": f"ada{key[4]}x"}, headers={"X-API-Key": key})
            for key in keys
        ]

        assert [answer.status_code for answer in answers] == [201, 403]
        assert answers[0].json()["owner_id"] == str(authenticated_user.id)
        assert answers[1].json()["code"] == "scope_missing"


class TestReading:
    async def test_how_it_is_reached_is_for_owner_and_admins(
        self,
        client: httpx2.AsyncClient,
        authenticated_user: Person,
        other_user: Person,
        admin: Person,
    ) -> None:
        made = await make_agent(authenticated_user, "ada", **openclaw())

        own, as_admin, other = [
            (await person.client.get(path(made))).json()
            for person in (authenticated_user, admin, other_user)
        ]
        itself = (await as_agent(client, made, "GET", path(made))).json()

        assert own == {k: v for k, v in made.items() if k != "key"} | {
            "last_seen_at": own["last_seen_at"]
        }
        assert as_admin["session_key"] == "hook:hub:ada"
        assert other["name"] == "ada"
        for seen in (other, itself):
            assert [seen[name] for name in PRIVATE] == [None] * len(PRIVATE)

    async def test_an_admins_plain_key_sees_no_more_than_a_member(
        self, client: httpx2.AsyncClient, admin: Person, other_user: Person
    ) -> None:
        key = (await admin.client.post("/api/v1/api-keys", json={"name": "plain"})).json()["key"]
        made = await make_agent(other_user, "ada", **openclaw())

        seen = await client.get(path(made), headers={"X-API-Key": key})
        changed = await client.patch(path(made), json={}, headers={"X-API-Key": key})

        assert seen.json()["gateway_url"] is None
        assert changed.status_code == 403

    async def test_the_list_is_newest_first_filtered_and_paged(
        self, authenticated_user: Person, other_user: Person
    ) -> None:
        for owner, name in ((authenticated_user, "ada"), (other_user, "bob")):
            await make_agent(owner, name, display_name=f"Straße {name}")
        await make_agent(authenticated_user, "cleo_100")

        async def names(**params: str | int | bool) -> list[str]:
            answer = await authenticated_user.client.get(AGENTS, params=params)
            assert answer.status_code == 200, answer.text
            return [item["name"] for item in answer.json()["items"]]

        assert await names(kind="agent") == ["cleo_100", "bob", "ada"]
        assert await names(kind="agent", mine=True) == ["cleo_100", "ada"]
        assert await names(search="STRASSE") == ["bob", "ada"]
        assert await names(search="CLEO_") == ["cleo_100"]
        assert await names(search="%") == []
        first = await authenticated_user.client.get(AGENTS, params={"kind": "agent", "limit": 2})
        cursor = first.json()["next_cursor"]
        assert await names(kind="agent", cursor=cursor) == ["ada"]

    async def test_what_can_not_be_listed(self, authenticated_user: Person) -> None:
        for params, status in (
            ({"cursor": "x"}, 400),
            ({"kind": "pigeon"}, 422),
            ({"limit": 0}, 422),
            ({"search": ""}, 422),
        ):
            answer = await authenticated_user.client.get(AGENTS, params=params)
            assert answer.status_code == status

    async def test_one_that_is_not_there_is_404(self, authenticated_user: Person) -> None:
        for method, where in (
            ("GET", f"{AGENTS}/{NOBODY}"),
            ("GET", f"{AGENTS}/{NOBODY}/presence"),
            ("PATCH", f"{AGENTS}/{NOBODY}"),
            ("DELETE", f"{AGENTS}/{NOBODY}"),
            ("POST", f"{AGENTS}/{NOBODY}/key"),
        ):
            answer = await authenticated_user.client.request(
                method, where, json={} if method == "PATCH" else None
            )
            assert (answer.status_code, answer.json()["code"]) == (404, "agent_not_found")
        assert (await authenticated_user.client.get(f"{AGENTS}/1")).status_code == 422


class TestChanging:
    async def test_what_is_left_out_stays(self, authenticated_user: Person) -> None:
        made = await make_agent(authenticated_user, "ada", **openclaw(description="old"))

        answer = await authenticated_user.client.patch(
            path(made), json={"display_name": "Ada L.", "accepts": "contacts", "skills": ["x"]}
        )

        assert answer.status_code == 200
        changed = answer.json()
        assert (changed["display_name"], changed["accepts"]) == ("Ada L.", "contacts")
        assert changed["skills"] == ["x"]
        assert (changed["description"], changed["gateway_kind"]) == ("old", "openclaw")
        assert changed["updated_at"] is not None

    @pytest.mark.parametrize(
        "change",
        [
            {"name": "other"},
            {"display_name": None},
            {"gateway_url": None},
            {"gateway_url": "http://a@b"},
            {"owner_id": NOBODY},
        ],
    )
    async def test_refuses_what_is_not_acceptable(
        self, authenticated_user: Person, change: dict[str, object]
    ) -> None:
        made = await make_agent(authenticated_user, "ada")

        answer = await authenticated_user.client.patch(path(made), json=change)

        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")

    async def test_only_owner_and_admins_change_and_delete(
        self,
        client: httpx2.AsyncClient,
        authenticated_user: Person,
        other_user: Person,
        admin: Person,
    ) -> None:
        made = await make_agent(authenticated_user, "ada")

        for method, where, body in (
            ("PATCH", path(made), {"description": "x"}),
            ("DELETE", path(made), None),
            ("POST", path(made, "key"), {}),
        ):
            stranger = await other_user.client.request(method, where, json=body)
            itself = await as_agent(client, made, method, where, json=body)
            assert (stranger.status_code, stranger.json()["code"]) == (403, "not_your_agent")
            assert (itself.status_code, itself.json()["code"]) == (403, "user_required")
        by_admin = await admin.client.patch(path(made), json={"description": "x"})
        assert by_admin.status_code == 200

    async def test_another_place_needs_the_token_anew(self, authenticated_user: Person) -> None:
        made = await make_agent(authenticated_user, "ada", **openclaw())

        async def change(**values: object) -> httpx2.Response:
            return await authenticated_user.client.patch(path(made), json=values)

        same_place = await change(gateway_url="https://gateway.example.com:8443/below")
        for elsewhere in (
            "https://gateway.example.com",
            "http://gateway.example.com:8443",
            "https://gateway.example.com.evil.example:8443",
        ):
            refused = await change(gateway_url=elsewhere)
            as_chat = await change(gateway_url=elsewhere, gateway_kind="openclaw-chat")
            assert (refused.status_code, refused.json()["code"]) == (409, "gateway_token_required")
            assert as_chat.status_code == 409
        moved = await change(gateway_url="https://elsewhere.example", gateway_token="another")

        assert same_place.status_code == 200
        assert (moved.status_code, moved.json()["gateway_url"]) == (
            200,
            "https://elsewhere.example",
        )

    async def test_by_way_of_another_kind_the_token_does_not_come_along(
        self, authenticated_user: Person
    ) -> None:
        made = await make_agent(authenticated_user, "ada", **openclaw())
        elsewhere = {"gateway_kind": "webhook", "gateway_url": "https://evil.example"}

        as_webhook = await authenticated_user.client.patch(path(made), json=elsewhere)
        back = await authenticated_user.client.patch(path(made), json={"gateway_kind": "openclaw"})

        assert (as_webhook.status_code, as_webhook.json()["session_key"]) == (200, None)
        assert (back.status_code, back.json()["code"]) == (422, "gateway_incomplete")

    async def test_the_default_session_key_follows_the_kind(
        self, authenticated_user: Person
    ) -> None:
        made = await make_agent(authenticated_user, "ada", **openclaw())

        changed = await authenticated_user.client.patch(
            path(made), json={"gateway_kind": "openclaw-chat"}
        )

        assert changed.json()["session_key"] == "agent:main:hub-ada"


class TestDeleting:
    async def test_its_key_dies_and_its_secrets_are_wiped(
        self, client: httpx2.AsyncClient, authenticated_user: Person, hub: Resources
    ) -> None:
        made = await make_agent(authenticated_user, "ada", **openclaw())
        used = await client.get(AGENTS, headers=key_of(made))

        gone = await authenticated_user.client.delete(path(made))
        again = await authenticated_user.client.delete(path(made))
        dead = await client.get(AGENTS, headers=key_of(made))

        assert [a.status_code for a in (used, gone, again, dead)] == [200, 204, 404, 401]
        statement = "SELECT gateway_token, session_key, deleted_at FROM agent WHERE handle = 'ada'"
        async with hub.database.read() as session:
            row = (await session.execute(text(statement))).one()
        assert (row.gateway_token, row.session_key) == (None, None)
        assert row.deleted_at is not None
        listed = await authenticated_user.client.get(AGENTS, params={"kind": "agent"})
        assert listed.json()["items"] == []


async def test_the_token_is_nowhere_in_the_clear(
    authenticated_user: Person,
    hub: Resources,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = await make_agent(authenticated_user, "ada", **openclaw())
    answers = [
        await authenticated_user.client.get(path(made)),
        await authenticated_user.client.get(AGENTS),
        await authenticated_user.client.patch(path(made), json={"gateway_token": f"{TOKEN}2"}),
        await authenticated_user.client.patch(path(made), json={"gateway_token": f"{TOKEN}\n"}),
    ]

    async with hub.database.read() as session:
        stored = (await session.execute(text("SELECT gateway_token FROM agent"))).all()
        hashes = (await session.execute(text("SELECT key_hash, prefix FROM agent_key"))).all()
        acts = (await session.execute(text("SELECT action, details FROM activity"))).all()
    said = capsys.readouterr()
    everything = repr((stored, hashes, acts, said, caplog.text, [a.text for a in answers]))
    assert TOKEN not in everything
    assert made["key"] not in everything
    assert [answer.status_code for answer in answers] == [200, 200, 200, 422]


async def test_what_is_done_is_recorded(authenticated_user: Person, hub: Resources) -> None:
    made = await make_agent(authenticated_user, "ada")
    await authenticated_user.client.patch(path(made), json={"description": "x"})
    await authenticated_user.client.post(path(made, "key"))
    await authenticated_user.client.delete(path(made))

    statement = "SELECT action FROM activity WHERE action LIKE 'agent.%' ORDER BY id"
    async with hub.database.read() as session:
        acts: list[Any] = [row.action for row in await session.execute(text(statement))]
    assert acts == ["agent.created", "agent.updated", "agent.key_rotated", "agent.deleted"]
