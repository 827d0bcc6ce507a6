"""What is in an export: whose rows, which columns, how each is written."""

import gzip
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from hubbub.kit.resources import Resources
from tests.board.helpers import write
from tests.exports.helpers import EXPORTS, KINDS, export, objects, rows
from tests.fixtures.people import MakePerson, Person
from tests.items.helpers import make
from tests.messages.conftest import MakeTalker, Talker
from tests.messages.helpers import refusal, room_of, say

HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\rx",
    " \u00a0=1",
    "\n\n@x",
    "\u200b=1",
    "＝1",
]
HARMLESS = ["plain", "a=1", "1-2", '"=1"', "'=1", "…", "日本", "x\r\ny,z"]


async def said(sender: Talker, other: Talker, *texts: str) -> None:
    for text in texts:
        assert (await sender.send(other, content=text)).status_code == 201


class TestRights:
    @pytest.mark.parametrize("kind", KINDS)
    async def test_nothing_without_a_credential(
        self, client: httpx2.AsyncClient, kind: str
    ) -> None:
        assert (await client.get(f"{EXPORTS}/{kind}")).status_code == 401

    async def test_users_are_for_admins(
        self, admin: Person, alice: Talker, authenticated_user: Person
    ) -> None:
        for who in (authenticated_user, alice):
            assert refusal(await export(who, "users")) == (403, "admins_only")

        found = await rows(admin, "users")

        assert [row["email"] for row in found] == [admin.email, authenticated_user.email]

    async def test_an_admins_key_without_that_scope_is_a_members(self, admin: Person) -> None:
        made = await admin.client.post("/api/v1/api-keys", json={"name": "r", "scopes": ["read"]})
        admin.client.headers["Authorization"] = f"Bearer {made.json()['key']}"

        assert refusal(await export(admin, "users")) == (403, "admins_only")
        assert await rows(admin, "messages") == []

    async def test_agents_are_ones_own_with_how_they_are_reached(
        self, admin: Person, alice: Talker, bob: Talker
    ) -> None:
        path = f"/api/v1/agents/{alice.id}"
        change = {
            "gateway_kind": "openclaw",
            "gateway_url": "https://example.com/hook",
            "gateway_token": "deadly-secret",
            "session_key": "deadly-session",
        }
        assert (await alice.owner.client.patch(path, json=change)).is_success

        own = {row["name"]: row for row in await rows(alice.owner, "agents")}
        everybodys = await export(admin, "agents")

        assert own["alice"]["gateway_url"] == "https://example.com/hook"
        assert "bob" not in own
        assert "bob" in everybodys.text
        assert "deadly" not in everybodys.text
        assert [row["name"] for row in await rows(bob, "agents")] == ["bob"]

    async def test_messages_are_what_one_sees(
        self, admin: Person, alice: Talker, bob: Talker, talkers: MakeTalker
    ) -> None:
        carol = await talkers("carol", admin)
        await said(alice, bob, "between us")
        await said(bob, carol, "to carol")

        seen = [
            [row["content"] for row in await rows(who, "messages")]
            for who in (alice, alice.owner, bob, carol)
        ]

        assert seen[0] == seen[1] == ["between us"]
        assert seen[2:] == [["between us", "to carol"], ["to carol"]]
        own = await rows(admin, "messages", mine=True)
        assert [row["content"] for row in own] == ["to carol"]

    async def test_admins_get_everybodys_messages_without_what_they_say(
        self, admin: Person, alice: Talker, bob: Talker
    ) -> None:
        assert (await alice.send(bob, content="hush, hush", metadata={"k": "hushed"})).is_success

        answer = await export(admin, "messages")
        [row] = await rows(admin, "messages")

        assert "hush" not in answer.text
        assert (row["from_name"], row["to"], row["size"]) == ("alice", '["agent:bob"]', "10")
        assert "content" not in row
        assert "metadata" not in row

    async def test_deliveries_of_who_sent_and_who_got(
        self, admin: Person, alice: Talker, bob: Talker, talkers: MakeTalker
    ) -> None:
        carol = await talkers("carol", admin)
        await said(alice, bob, "hi")

        [sent], [got], [seen] = [await rows(who, "deliveries") for who in (alice, bob, admin)]

        assert (sent["agent_name"], sent["state"], sent["seq"]) == ("bob", "queued", "1")
        assert (sent["attempts"], got["attempts"], seen["attempts"]) == ("", "0", "0")
        assert await rows(carol, "deliveries") == []

    async def test_what_is_in_a_private_room_is_for_those_in_it(
        self, admin: Person, alice: Talker, bob: Talker
    ) -> None:
        room_id = await room_of(alice, visibility="private", name="inner")
        await say(alice, "in private", room="inner")
        await make(alice, "Inner work", room_id=room_id)
        await write(alice, "Inner news", room_id=room_id)

        async def seen(who: Person | Talker) -> list[int]:
            kinds = ("rooms", "messages", "items", "posts")
            return [len(await rows(who, kind)) for kind in kinds]

        assert await seen(alice) == await seen(alice.owner) == [1, 1, 1, 1]
        assert await seen(bob) == [0, 0, 0, 0]
        # that they are there, as everywhere
        assert await seen(admin) == [1, 1, 0, 0]

    async def test_activity_is_ones_own(self, admin: Person, alice: Talker, bob: Talker) -> None:
        del bob
        mine = await rows(alice.owner, "activity")
        everything = await rows(admin, "activity")

        assert {row["actor_id"] for row in mine} == {str(alice.owner.id)}
        assert len(everything) > len(mine) > 0

    async def test_no_hash_and_no_secret_anywhere(
        self, admin: Person, alice: Talker, bob: Talker
    ) -> None:
        await said(alice, bob, "hi")
        for kind in KINDS:
            answer = await export(admin, kind)
            head = answer.text.partition("\r\n")[0]
            assert not [word for word in ("hash", "token", "secret", "key") if word in head]
            assert "$argon2" not in answer.text


class TestForm:
    async def test_head_and_headers(self, admin: Person, hub: Resources) -> None:
        today = hub.clock.now().date().isoformat()

        answer = await export(admin, "users")

        assert answer.text.startswith("id,name,email,")
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["content-disposition"] == f'attachment; filename="users-{today}.csv"'
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "content-length" not in answer.headers

    async def test_lines_of_json(self, admin: Person) -> None:
        answer = await export(admin, "users", format="jsonl")

        assert answer.headers["content-type"] == "application/jsonl"
        assert answer.headers["content-disposition"].endswith('.jsonl"')
        [user] = await objects(admin, "users")
        assert list(user)[:3] == ["id", "name", "email"]
        assert user["is_active"] is True
        shown = (await admin.client.get(admin.path)).json()
        assert user["created_at"] == shown["created_at"]
        assert datetime.fromisoformat(user["created_at"]).tzinfo is not None

    @pytest.mark.parametrize("kind", ["rooms", "messages", "deliveries", "items", "posts"])
    async def test_of_nothing_the_head_alone(self, admin: Person, kind: str) -> None:
        answer = await export(admin, kind)

        assert answer.text.count("\r\n") == 1
        assert answer.text.split(",")[0] in {"id", "message_id"}
        assert (await export(admin, kind, format="jsonl")).text == ""

    async def test_cells_that_would_be_formulas(self, alice: Talker, bob: Talker) -> None:
        await said(alice, bob, *HOSTILE, *HARMLESS)

        cells = [row["content"] for row in await rows(alice, "messages")]
        lines = [line["content"] for line in await objects(alice, "messages")]

        assert cells == [f"'{text}" for text in HOSTILE] + HARMLESS
        assert lines == HOSTILE + HARMLESS

    async def test_names_and_titles_too(self, admin: Person, people: MakePerson) -> None:
        other = await people(full_name="=cmd|' /C calc'!A0", website=None)
        await write(other, "@news", tags=["x"])
        await make(other, "-1+2", labels=["b", "a"])

        assert [row["name"] for row in await rows(admin, "users")][-1].startswith("'=cmd")
        [post] = await rows(other, "posts")
        [item] = await rows(other, "items")

        assert (post["title"], post["tags"]) == ("'@news", '["x"]')
        assert (item["title"], item["labels"]) == ("'-1+2", '["a","b"]')

    async def test_json_in_one_cell(self, alice: Talker, bob: Talker) -> None:
        metadata = {"b": [1, 2.5, None], "a": {"ü": '"x"'}}
        assert (await alice.send(bob, metadata=metadata)).is_success

        [row] = await rows(alice, "messages")
        [line] = await objects(alice, "messages")

        assert row["metadata"] == '{"b":[1,2.5,null],"a":{"ü":"\\"x\\""}}'
        assert line["metadata"] == metadata
        assert line["withdrawn_at"] is None

    async def test_compressed_as_a_file(self, admin: Person) -> None:
        plain = await export(admin, "users")
        packed = await export(admin, "users", compress="gzip")

        assert packed.headers["content-type"] == "application/gzip"
        assert packed.headers["content-disposition"].endswith('.csv.gz"')
        assert "content-encoding" not in packed.headers
        assert gzip.decompress(packed.content) == plain.content

    async def test_the_transport_leaves_it_alone(self, alice: Talker, bob: Talker) -> None:
        await said(alice, bob, "x" * 5000)
        answer = await alice.client.get(f"{EXPORTS}/messages", headers={"Accept-Encoding": "gzip"})

        assert "content-encoding" not in answer.headers


class TestAsking:
    async def test_a_span_of_time(self, alice: Talker, bob: Talker) -> None:
        await said(alice, bob, "one", "two")
        [first, second] = await objects(alice, "messages")

        async def between(**span: Any) -> list[str]:
            return [line["content"] for line in await objects(alice, "messages", **span)]

        assert await between(since=second["created_at"]) == ["two"]
        assert await between(until=second["created_at"]) == ["one"]
        assert await between(since=first["created_at"], until=first["created_at"]) == []
        later = datetime.now(UTC) + timedelta(days=1)
        for kind in KINDS[1:]:
            assert await rows(alice.owner, kind, since=later.isoformat()) == []

    @pytest.mark.parametrize(
        "params", [{"format": "xls"}, {"since": "soon"}, {"compress": "zip"}, {"mine": "perhaps"}]
    )
    async def test_what_makes_no_sense(self, admin: Person, params: dict[str, str]) -> None:
        assert (await export(admin, "users", **params)).status_code == 422

    async def test_what_there_is_not(self, admin: Person) -> None:
        assert (await export(admin, "secrets")).status_code == 404

    async def test_each_is_written_down(self, admin: Person, alice: Talker) -> None:
        await export(admin, "users", format="jsonl")
        await export(alice, "messages")
        await export(alice, "users")

        acts = (await admin.client.get("/api/v1/activity", params={"action": "export"})).json()
        seen = [(act["actor_id"], act["action"], act["details"]) for act in acts["items"]]
        assert seen == [
            (
                str(alice.id),
                "export.begun",
                {"kind": "messages", "format": "csv", "mine": False},
            ),
            (str(admin.id), "export.begun", {"kind": "users", "format": "jsonl", "mine": False}),
        ]
