"""The whole hub as a file: it comes back the same, on either database, or not at all."""

import gzip
import hashlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import orjson
import pytest
from sqlalchemy import bindparam, text

from hubbub.agents.models import AgentKey
from hubbub.app import create_app
from hubbub.exports.hub.arriving import NotEmptyError
from hubbub.exports.hub.lines import FileRefusedError
from hubbub.exports.hub.tables import TABLES
from hubbub.kit.db.base import Id
from hubbub.kit.db.database import Database
from hubbub.kit.keys import token_hash
from hubbub.kit.resources import Resources
from hubbub.settings import Settings
from tests.board.helpers import remark, write
from tests.exports.hubs import Edited, file_of, fill
from tests.files.helpers import sent
from tests.fixtures.peers import create_database, drop_database
from tests.fixtures.people import Person, sign_in
from tests.fixtures.waiting import eventually
from tests.items.helpers import done, make
from tests.messages.conftest import MakeTalker, Talker
from tests.messages.helpers import ahead, room_of, say

RESET = "/api/v1/auth/password-reset"
NEW = "Another-horse8!"


def other(settings: Settings, dsn: str, folder: Path) -> Settings:
    return settings.model_copy(update={"database_url": dsn, "data_dir": folder})


@pytest.fixture
def on_sqlite(settings: Settings, sqlite_template: Path, tmp_path: Path) -> Settings:
    """An empty hub."""
    folder = tmp_path / "other"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "hubbub.db")
    found = other(settings, f"sqlite+aiosqlite:///{folder / 'hubbub.db'}", folder)
    return found.model_copy(update={"redis_url": None})


@pytest.fixture
async def empty(
    request: pytest.FixtureRequest, settings: Settings, distributed: bool, tmp_path: Path
) -> AsyncIterator[Settings]:
    """An empty hub on what this run is for."""
    if not distributed:
        yield request.getfixturevalue("on_sqlite")
        return
    server: str = request.getfixturevalue("postgres")
    template: str = request.getfixturevalue("postgres_template")
    dsn = await create_database(server, template=template)
    yield other(settings, dsn.replace("postgresql://", "postgresql+asyncpg://", 1), tmp_path / "e")
    await drop_database(server, dsn)


@pytest.fixture
async def rich(
    admin: Person, alice: Talker, bob: Talker, talkers: MakeTalker, hub: Resources
) -> dict[str, Any]:
    """A hub in which much has happened; what is to be seen again."""
    gated: dict[str, Any] = {
        "gateway_url": "https://gate.example.com",
        "gateway_token": "never-in-a-file",
        "session_key": "main",
    }
    pushed = await talkers("pushed", **gated)
    first = (await alice.send(bob, content='=1 "ü"\n', metadata={"a": [1, None]}, key="k")).json()
    await bob.send(alice, content="answer", reply_to=first["id"])
    await alice.send(bob, pushed, content="both of you", ack_by=ahead(hours=1), priority="urgent")
    await alice.send(bob, content="tomorrow", deliver_at=ahead(days=1))
    gone = (await alice.send(bob, content="taken back")).json()
    await alice.client.delete(f"/api/v1/messages/{gone['id']}")
    await bob.client.post(f"{bob.inbox}/ack", json={"up_to": 1})
    room_id = await room_of(alice, bob, visibility="private", name="inner")
    await say(alice, "hello @bob", room="inner")
    post = await write(alice, "News", content="Findable prose", tags=["b", "a"], room_id=room_id)
    remarked = await remark(bob, post)
    await remark(alice, post, parent_id=remarked["id"])
    file = await sent(alice)
    needed = await make(alice, "First", labels=["x", "a"])
    item = await make(alice, "Then", priority="high", file_ids=[file["id"]])
    await alice.send(bob, content="see this", file_ids=[file["id"]])
    await alice.client.post(
        f"/api/v1/items/{item['id']}/dependencies", json={"item_id": needed["id"]}
    )
    await done(bob, needed, "claim")
    mine, theirs = f"/api/v1/agents/{alice.id}", str(bob.id)
    for path, body in (("contacts", {"other": theirs}), ("blocks", {"other": str(pushed.id)})):
        await alice.owner.client.post(f"{mine}/{path}", json=body)
    await alice.owner.client.put("/api/v1/notifications/preferences", json={})
    page = await bob.read(limit=100)
    return {"inbox": page["items"], "last_seq": page["last_seq"], "epoch": page["epoch"]}


@pytest.mark.usefixtures("rich")
async def test_there_and_back_the_bytes_are_the_same(
    settings: Settings, on_sqlite: Settings, empty: Settings
) -> None:
    original = await file_of(settings)

    await fill(on_sqlite, original)
    once = await file_of(on_sqlite)
    if empty is not on_sqlite:
        await fill(empty, once)
    twice = await file_of(empty)

    assert once == original
    assert twice == original
    kinds = {orjson.loads(line)["kind"] for line in original.splitlines()}
    rare = {
        "agent_presence",
        "agent_transfer",
        "attempt",
        "announcement",
        "overdue_told",
        "room_invite",
        "lane",
    }
    assert {each.name for each in TABLES} - kinds <= rare | {
        "notification_preference",
        "auth_setup",
    }


@pytest.mark.usefixtures("rich")
async def test_nothing_in_the_file_lets_somebody_in(settings: Settings, alice: Talker) -> None:
    written = await file_of(settings)

    for secret in (b"never-in-a-file", b"$argon2", b"password_hash", b"agt_"):
        assert secret not in written
    assert alice.owner.tokens["access_token"].encode() not in written
    first, *_, last = map(orjson.loads, written.splitlines())
    assert (first["kind"], first["format"]) == ("hub", 1)
    assert last["sha256"] == hashlib.sha256(written[: written.rindex(b'{"kind":"end"')]).hexdigest()


async def test_it_is_the_same_hub_for_its_people(
    settings: Settings, empty: Settings, rich: dict[str, Any], admin: Person, bob: Talker
) -> None:
    found = await fill(empty, await file_of(settings))
    app = create_app(empty)
    transport = httpx2.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        assert (found.admin, found.agents, found.gateways, found.files) == (admin.email, 3, 1, 1)
        old = {"username": admin.email, "password": "Correct-horse7!"}
        assert (await client.post("/api/v1/auth/token", data=old)).status_code == 401
        body = {"token": found.token, "new_password": NEW}
        assert (await client.post(f"{RESET}/confirm", json=body)).is_success
        tokens = await sign_in(client, admin.email, NEW)
        client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        key = (await client.post(f"/api/v1/agents/{bob.id}/key", json={})).json()["key"]
        client.headers["Authorization"] = f"Bearer {key}"

        page = (await client.get(bob.inbox, params={"limit": 100})).json()
        assert page["items"] == rich["inbox"]
        assert page["epoch"] != rich["epoch"]
        stale = await client.get(bob.inbox, params={"after": f"{rich['epoch']}:1"})
        assert stale.status_code == 409

        again = {"to": ["agent:alice"], "content": "I am still here"}
        assert (await client.post("/api/v1/messages", json=again)).status_code == 201

        async def is_found() -> bool:
            asked = await client.get("/api/v1/messages", params={"q": "both of you"})
            return [each["content"] for each in asked.json()["items"]] == ["both of you"]

        await eventually(is_found)
        posts = (await client.get("/api/v1/posts", params={"q": "findable"})).json()["items"]
        assert [post["title"] for post in posts] == ["News"]


async def test_numbers_go_on_behind_the_last(
    settings: Settings, empty: Settings, rich: dict[str, Any], alice: Talker, bob: Talker
) -> None:
    repeated = {"Idempotency-Key": "k"}
    await fill(empty, await file_of(settings))
    app = create_app(empty)
    transport = httpx2.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        hub: Resources = app.state.resources
        tokens = {name: await _key(hub, talker) for name, talker in (("a", alice), ("b", bob))}
        client.headers["Authorization"] = f"Bearer {tokens['a']}"
        body = {"to": ["agent:bob"], "content": '=1 "ü"\n', "metadata": {"a": [1, None]}}
        same = await client.post("/api/v1/messages", json=body, headers=repeated)
        new = await client.post("/api/v1/messages", json=body)
        client.headers["Authorization"] = f"Bearer {tokens['b']}"
        page = (await client.get(bob.inbox, params={"limit": 100})).json()

    assert (same.status_code, same.headers["idempotency-replayed"]) == (201, "true")
    assert new.status_code == 201
    assert page["last_seq"] == rich["last_seq"] + 1
    assert page["items"][-1]["message"]["id"] == new.json()["id"]


async def _key(hub: Resources, talker: Talker) -> str:
    key = f"agt_{talker.handle}{'x' * 40}"
    async with hub.database.write() as session:
        session.add(AgentKey(agent_id=talker.id, key_hash=token_hash(key), prefix="agt_"))
    return key


@pytest.mark.usefixtures("rich")
async def test_what_was_forgotten_is_not_missed(
    settings: Settings, empty: Settings, hub: Resources, bob: Talker
) -> None:
    """The first of an inbox is gone, the second was replayed and stays below what is kept."""
    await _change(hub, bob, "DELETE FROM delivery WHERE recipient_id = :id AND seq = 1")
    await _change(hub, bob, "UPDATE counter SET first_seq = 3 WHERE id = :id")
    original = await file_of(settings)

    await fill(empty, original)

    assert await file_of(empty) == original


async def _change(hub: Resources, whose: Talker, statement: str) -> None:
    async with hub.database.write() as session:
        bound = text(statement).bindparams(bindparam("id", whose.id, type_=Id()))
        await session.execute(bound)


_DEEP: list[Any] = orjson.loads(b"[" * 600 + b"]" * 600)


class TestRefusing:
    @pytest.mark.usefixtures("rich")
    async def test_a_hub_in_which_there_is_something(self, settings: Settings) -> None:
        with pytest.raises(NotEmptyError):
            await fill(settings, await file_of(settings))

    @pytest.mark.usefixtures("rich")
    async def test_a_file_that_is_cut_off_anywhere(
        self, settings: Settings, empty: Settings
    ) -> None:
        whole = await file_of(settings)
        lines = whole.splitlines(keepends=True)
        for part in (b"", lines[0], b"".join(lines[:9]), b"".join(lines[:-1]), whole[:-9]):
            with pytest.raises(FileRefusedError, match="is cut off"):
                await fill(empty, part)

        await fill(empty, whole)

    @pytest.mark.usefixtures("rich")
    async def test_one_that_was_changed(self, settings: Settings, empty: Settings) -> None:
        whole = await file_of(settings)
        swapped = whole.replace(b"both of you", b"both of me!")
        longer = whole + b"\n"
        less = b"".join(line for line in whole.splitlines(True) if b'"agent_block"' not in line)
        for content in (swapped, longer, less):
            with pytest.raises(FileRefusedError):
                await fill(empty, content)
        assert await _is_empty(empty)

    @pytest.mark.parametrize(
        ("kind", "values", "why"),
        [
            ("hub", {"format": 2}, "line 1 says another format than 1"),
            ("hub", {"revision": "abc"}, "line 1 says other tables"),
            ("hub", {"kind": "post"}, "line 1 is not the first line"),
            ("user", {"kind": "evil"}, "is of a kind that isn't known"),
            ("user", {"password_hash": "evil"}, "it has a field that isn't known"),
            ("user", {"id": "evil"}, "id is not an id"),
            ("user", {"email": None}, "email is not given"),
            ("user", {"email": "evil" * 999}, "email is not a text of at most 254"),
            ("user", {"full_name": "evil\x00"}, "full_name is not a text"),
            ("user", {"role": "evil"}, "role is not a word"),
            ("user", {"is_active": 1}, "is_active is not true or false"),
            ("user", {"created_at": "2026-02-30T00:00:00.000000Z"}, "created_at is not a time"),
            ("agent", {"max_in_flight": 1 << 40}, "max_in_flight is not a whole number of 32"),
            ("user", {"email": "evil"}, "email is not an e-mail address"),
            ("user", {"email": "Evil@example.com"}, "email is not an e-mail address in lower"),
            ("user", {"username": "evil one"}, "username is not a user name"),
            ("user", {"username_key": "evil"}, "username_key is not the username"),
            ("user", {"full_name": "evil\nline"}, "full_name is not a name of one line"),
            ("user", {"website": "javascript:evil"}, "website is not a URL"),
            ("agent", {"skills": [{}]}, "skills is not a text"),
            ("agent", {"skills": ["evil"] * 51}, "skills is not a list"),
            ("agent", {"handle": "Evil Handle!"}, "handle is not a name"),
            ("agent", {"handle": "EVIL"}, "handle is not a name"),
            ("agent", {"handle": "evil" * 17}, "handle is not a text of at most 64"),
            ("agent", {"handle": "evil\n"}, "handle is not a name"),
            ("agent", {"display_name": " evil"}, "display_name is not a name"),
            ("agent", {"max_in_flight": 0}, "max_in_flight is not a number from 1"),
            ("agent", {"session_key": "evil\r\nX: y"}, "session_key is not printable"),
            ("agent", {"accepts": "evil"}, "accepts is not a word"),
            (
                "agent",
                {"gateway_kind": "webhook", "gateway_url": "http://evil@gate/"},
                "gateway_url is not the URL of a gateway",
            ),
            (
                "agent",
                {"gateway_kind": "webhook", "gateway_url": "file:///etc/evil"},
                "gateway_url is not the URL of a gateway",
            ),
            ("agent", {"gateway_kind": "webhook"}, "gateway_url doesn't fit"),
            ("room", {"name": "Evil Room"}, "name is not a name"),
            ("room", {"title": "evil\x85"}, "title is not a title"),
            ("file", {"name": "../evil"}, "name is not the name of a file"),
            ("file", {"content_type": "text/html"}, "content_type is not a word"),
            ("file", {"sha256": "evil"}, "sha256 is not 64"),
            ("attachment", {"attachment_kind": "evil"}, "attachment_kind is not a word"),
            ("counter", {"first_seq": 0}, "first_seq, last_seq and open don't fit"),
            ("counter", {"first_seq": 99}, "first_seq, last_seq and open don't fit"),
            ("counter", {"open": -1}, "open is not a whole number"),
            ("counter", {"open": 0}, "another number of open entries"),
            ("counter", {"id": str(UUID(int=7))}, "a counter is of no inbox and no room"),
            ("post", {"title": ""}, "title is not a title"),
            ("post", {"content": " "}, "content is not a text"),
            ("post_tag", {"tag": "EVIL"}, "tag is not a tag in lower case"),
            ("comment", {"content": ""}, "content is not a text"),
            ("item", {"rank": 3}, "rank is not that of the priority"),
            ("item_label", {"label": "evil\n"}, "label is not a label"),
            ("activity", {"action": "evil act"}, "action is not an act"),
            ("idempotency_key", {"key": "evil\n"}, "key is not 1 to 255"),
            ("agent", {"owner_id": str(UUID(int=7))}, "refers to what isn't in the file"),
            ("message", {"metadata": ["evil"]}, "metadata is not a plain JSON object"),
            ("message", {"sender_id": str(UUID(int=7))}, "a sender who isn't in the file"),
            ("message", {"hops": True}, "hops is not a whole number of 16"),
            ("message", {"hops": -1}, "hops is not a whole number of 16"),
            ("message", {"metadata": {"a": "evil" * 5000}}, "metadata is not an object of at most"),
            ("message", {"addressed": ["evil"]}, "addressed is not a list of agent:NAME"),
            ("message", {"content_type": "application/json"}, "content is not JSON"),
            ("message", {"content_type": "text/evil"}, "content_type is not a word"),
            ("message", {"files": _DEEP}, "files is not as the hub writes it"),
            ("delivery", {"seq": -1}, "seq is not a whole number"),
            ("delivery", {"seq": 0}, "seq is not 1 or more"),
            ("delivery", {"seq": 1 << 40}, "seq is not the one that comes next"),
            ("room_message", {"seq": 2}, "seq is not the one that comes next"),
            ("delivery", {"message_id": str(UUID(int=7))}, "a message that isn't in the file"),
        ],
    )
    @pytest.mark.usefixtures("rich")
    async def test_hostile_lines(
        self, settings: Settings, empty: Settings, kind: str, values: dict[str, Any], why: str
    ) -> None:
        edited = sealed(Edited.of(await file_of(settings)).change(kind, values))

        with pytest.raises(FileRefusedError) as refused:
            await fill(empty, edited)

        assert why in str(refused.value)
        assert "evil" not in str(refused.value)
        assert await _is_empty(empty)

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            (
                "DELETE FROM delivery WHERE recipient_id = :id AND seq = 2",
                r"^line \d+ \(delivery\) is refused: seq is not the one that comes next",
            ),
            (
                "DELETE FROM delivery WHERE recipient_id = :id AND seq >= 2",
                "ends at another number than its counter",
            ),
            ("DELETE FROM counter WHERE id = :id", "without a counter"),
            (
                "UPDATE counter SET last_seq = last_seq + 1 WHERE id = :id",
                "ends at another number than its counter",
            ),
        ],
    )
    @pytest.mark.usefixtures("rich")
    async def test_numbers_with_gaps(
        self,
        settings: Settings,
        empty: Settings,
        hub: Resources,
        bob: Talker,
        change: str,
        why: str,
    ) -> None:
        await _change(hub, bob, change)

        with pytest.raises(FileRefusedError, match=why):
            await fill(empty, await file_of(settings))

        assert await _is_empty(empty)

    @pytest.mark.usefixtures("rich")
    async def test_one_whose_packing_is_damaged(self, settings: Settings, empty: Settings) -> None:
        packed = gzip.compress(await file_of(settings))
        middle = len(packed) // 2
        torn = packed[:middle] + b"\xff" * 64 + packed[middle + 64 :]
        for content in (packed[:-8], packed[:-8] + bytes(8), packed + b"more", torn):
            with pytest.raises(FileRefusedError):
                await fill(empty, content)
        assert await _is_empty(empty)

    @pytest.mark.parametrize(
        "line", [b"evil\n", b"[1]\n", b'"evil"\n', b"\xff\xfe\n", b"{}\n", b"\n"]
    )
    async def test_lines_that_are_none(
        self, settings: Settings, empty: Settings, line: bytes
    ) -> None:
        lines = (await file_of(settings)).splitlines(keepends=True)

        with pytest.raises(FileRefusedError, match=r"^line 2 is") as refused:
            await fill(empty, b"".join([lines[0], line, *lines[1:]]))

        assert "evil" not in str(refused.value)

    @pytest.mark.usefixtures("rich")
    async def test_the_same_thing_twice_or_out_of_order(
        self, settings: Settings, empty: Settings
    ) -> None:
        lines = (await file_of(settings)).splitlines(keepends=True)
        [user] = [line for line in lines if b'"kind":"user"' in line][:1]
        [message] = [line for line in lines if b'"kind":"message"' in line][:1]

        for content, why in (
            ([lines[0], user, user, *lines[2:]], "says something twice"),
            ([lines[0], message, *lines[1:]], "comes too late"),
        ):
            with pytest.raises(FileRefusedError, match=why):
                await fill(empty, sealed(Edited(content)))
        assert await _is_empty(empty)


def sealed(edited: Edited) -> bytes:
    """With a last line that fits what was changed."""
    before = edited.lines[:-1]
    counts: dict[str, int] = {}
    for line in before[1:]:
        kind = orjson.loads(line).get("kind")
        counts[kind] = counts.get(kind, 0) + 1
    digest = hashlib.sha256(b"".join(before)).hexdigest()
    end = orjson.dumps({"kind": "end", "counts": counts, "sha256": digest}) + b"\n"
    return b"".join([*before, end])


async def _is_empty(settings: Settings) -> bool:
    database = Database(settings.database_dsn, settings.database)
    try:
        async with database.read() as session:
            return not await session.scalar(text('SELECT count(*) FROM "user"'))
    finally:
        await database.close()
