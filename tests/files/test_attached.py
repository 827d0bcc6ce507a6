"""Who sees a file that is on something: whoever sees that."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import insert, text

from hubbub.files.models import Attachment, File
from hubbub.kit.db.base import Base
from hubbub.kit.ids import new_id
from hubbub.kit.resources import Resources
from hubbub.messages.models import Delivery, Message, RoomMessage
from hubbub.messages.types import ContentType, Priority, State
from hubbub.registry import SIGHTS
from hubbub.rooms.models import Room
from hubbub.rooms.types import History, Visibility
from tests.board import helpers as board
from tests.files.helpers import FILES, Somebody, path, picture, refusal, sees, sent, shown
from tests.fixtures.people import Person
from tests.fixtures.statements import plan_of
from tests.items import helpers as items
from tests.messages.conftest import Talker
from tests.messages.helpers import MESSAGES, ROOMS, act, join, room_of, say

type Made = dict[str, Any]
type Put = Callable[[Talker, list[str], str | None], Awaitable[Made]]


async def on_post(author: Talker, file_ids: list[str], room_id: str | None) -> Made:
    return await board.write(author, file_ids=file_ids, room_id=room_id)


async def on_comment(author: Talker, file_ids: list[str], room_id: str | None) -> Made:
    post = await board.write(author, room_id=room_id)
    comment = await board.remark(author, post, file_ids=file_ids)
    return comment | {"path": board.path(post, "comments", comment["id"])}


async def on_item(author: Talker, file_ids: list[str], room_id: str | None) -> Made:
    return await items.make(author, file_ids=file_ids, room_id=room_id)


THINGS = pytest.mark.parametrize("put", [on_post, on_comment, on_item])


def where(put: Put, made: Made) -> str:
    paths: dict[Put, str] = {on_post: board.POSTS, on_item: items.ITEMS}
    return str(made["path"] if put is on_comment else f"{paths[put]}/{made['id']}")


class TestMessages:
    async def test_seen_by_sender_recipient_and_their_owners(
        self, alice: Talker, bob: Talker, eve: Talker
    ) -> None:
        file = await sent(alice, picture())
        assert not await sees(bob, file)

        answer = await alice.send(bob, file_ids=[file["id"]])

        assert answer.json()["files"] == shown(file)
        for reader in (alice, alice.owner, bob, bob.owner):
            assert await sees(reader, file)
            assert (await reader.client.get(path(file, "thumbnail"))).status_code == 200
            assert refusal(await reader.client.get(path(file, "link"))) == (409, "no_links")
        for stranger in (eve, eve.owner):
            assert not await sees(stranger, file)

    async def test_not_by_admins(self, admin: Person, alice: Talker, bob: Talker) -> None:
        file = await sent(alice)
        await alice.send(bob, file_ids=[file["id"]])

        assert not await sees(admin, file)

    async def test_a_withdrawn_one_takes_its_files_back(self, alice: Talker, bob: Talker) -> None:
        file = await sent(alice)
        message = (await alice.send(bob, file_ids=[file["id"]])).json()
        before = await sees(bob, file)

        await alice.client.delete(f"{MESSAGES}/{message['id']}")

        assert (before, await sees(bob, file), await sees(alice, file)) == (True, False, True)
        assert (await bob.read())["items"][0]["message"] is None

    async def test_in_a_room_by_who_may_read_it_there(
        self, alice: Talker, bob: Talker, eve: Talker
    ) -> None:
        room_id = await room_of(alice)
        file = await sent(alice)
        await say(alice, file_ids=[file["id"]])
        assert not await sees(bob, file), "a public room is read by who has joined it"

        await join(bob, room_id)

        assert await sees(bob, file)
        assert await sees(bob.owner, file)
        await act(bob, room_id, "leave")
        assert not await sees(bob, file)
        assert not await sees(eve, file)

    async def test_in_a_private_room_as_far_back_as_one_reads(
        self, alice: Talker, bob: Talker, eve: Talker
    ) -> None:
        closed = await room_of(alice, visibility="private", name="closed", history="joined")
        told = await room_of(alice, visibility="private", name="told", history="all")
        files = [await sent(alice, name=f"{name}.txt") for name in ("closed", "told")]
        for file, room in zip(files, ("closed", "told"), strict=True):
            await say(alice, room=room, file_ids=[file["id"]])
        for room_id in (closed, told):
            await join(bob, room_id, invited_by=alice)

        assert [await sees(bob, each) for each in files] == [False, True]
        await act(bob, told, "leave")
        assert [await sees(bob, each) for each in files] == [False, False]
        assert [await sees(eve, each) for each in files] == [False, False]

    async def test_what_came_to_an_inbox_stays_readable_there(
        self, alice: Talker, bob: Talker
    ) -> None:
        room_id = await room_of(alice, bob, visibility="private")
        file = await sent(alice)
        message = (await say(alice, file_ids=[file["id"]])).json()

        await act(bob, room_id, "leave")

        assert (await bob.client.get(f"{MESSAGES}/{message['id']}")).status_code == 200
        assert await sees(bob, file)


@THINGS
class TestThings:
    async def test_for_everybody(self, put: Put, alice: Talker, bob: Talker, eve: Talker) -> None:
        files = [await sent(alice, name=f"{number}.txt") for number in (2, 1)]

        made = await put(alice, [each["id"] for each in files], None)

        assert made["files"] == shown(*files), "in the order in which they were named"
        found = (await bob.client.get(where(put, made))).json()
        assert found["files"] == shown(*files)
        assert await sees(bob, files[0])
        assert await sees(eve.owner, files[1])

    async def test_in_a_private_room(
        self, put: Put, alice: Talker, bob: Talker, eve: Talker, admin: Person
    ) -> None:
        room_id = await room_of(alice, bob, visibility="private")
        file = await sent(alice)
        await put(alice, [file["id"]], room_id)

        assert await sees(bob, file)
        assert await sees(bob.owner, file)
        assert not await sees(eve, file)
        assert not await sees(admin, file)
        await act(bob, room_id, "leave")
        assert not await sees(bob, file)

    async def test_in_a_public_room_by_all_also_when_it_is_closed(
        self, put: Put, alice: Talker, bob: Talker
    ) -> None:
        room_id = await room_of(alice)
        file = await sent(alice)
        await put(alice, [file["id"]], room_id)
        before = await sees(bob, file)

        assert (await alice.client.delete(f"{ROOMS}/{room_id}")).status_code == 204

        assert (before, await sees(bob, file)) == (True, True)

    async def test_others_are_put_in_their_place(
        self, put: Put, alice: Talker, bob: Talker
    ) -> None:
        old, kept, new = [await sent(alice, name=f"{name}.txt") for name in ("old", "kept", "new")]
        made = await put(alice, [old["id"], kept["id"]], None)
        place = where(put, made)

        changed = await alice.client.patch(place, json={"file_ids": [new["id"], kept["id"]]})
        left = await alice.client.patch(place, json={})

        assert changed.status_code == left.status_code == 200, changed.text
        assert changed.json()["files"] == left.json()["files"] == shown(new, kept)
        assert [await sees(bob, each) for each in (old, kept, new)] == [False, True, True]
        emptied = await alice.client.patch(place, json={"file_ids": []})
        assert emptied.json()["files"] == []
        assert not await sees(bob, kept)
        assert await sees(alice, kept)

    async def test_what_is_on_it_already_may_stay_whosever_it_is(
        self, put: Put, alice: Talker
    ) -> None:
        own = await sent(alice)
        theirs = await sent(alice.owner, name="theirs.txt")
        made = await put(alice, [own["id"]], None)
        both = [own["id"], theirs["id"]]
        await alice.owner.client.patch(where(put, made), json={"file_ids": both})

        swapped = await alice.client.patch(where(put, made), json={"file_ids": both[::-1]})

        assert [each["id"] for each in swapped.json()["files"]] == both[::-1]
        without = await alice.client.patch(where(put, made), json={"file_ids": []})
        assert without.status_code == 200
        again = await alice.client.patch(where(put, made), json={"file_ids": [theirs["id"]]})
        assert refusal(again) == (404, "file_not_found"), "an agent sees its owner's files nowhere"

    async def test_deleted_it_shows_them_no_more(
        self, put: Put, alice: Talker, bob: Talker, hub: Resources
    ) -> None:
        file = await sent(alice)
        made = await put(alice, [file["id"]], None)

        assert (await alice.client.delete(where(put, made))).status_code == 204

        assert (await sees(bob, file), await sees(alice, file)) == (False, True)
        async with hub.database.read() as session:
            assert await session.scalar(text("SELECT count(*) FROM attachment")) == 0

    async def test_a_deleted_file_is_on_nothing(self, put: Put, alice: Talker, bob: Talker) -> None:
        gone, left = await sent(alice), await sent(alice, name="left.txt")
        made = await put(alice, [gone["id"], left["id"]], None)

        assert (await alice.client.delete(path(gone))).status_code == 204

        assert (await bob.client.get(where(put, made))).json()["files"] == shown(left)
        assert not await sees(bob, gone)


async def test_a_post_takes_the_files_of_its_comments_along(
    alice: Talker, bob: Talker, hub: Resources
) -> None:
    file = await sent(bob)
    post = await board.write(alice)
    await board.remark(bob, post, file_ids=[file["id"]])

    await alice.client.delete(board.path(post))

    assert not await sees(alice, file)
    async with hub.database.read() as session:
        assert await session.scalar(text("SELECT count(*) FROM attachment")) == 0


async def test_a_deleted_comment_that_was_answered_keeps_its_place_without_files(
    alice: Talker, bob: Talker
) -> None:
    file = await sent(bob)
    post = await board.write(alice)
    comment = await board.remark(bob, post, file_ids=[file["id"]])
    await board.remark(alice, post, parent_id=comment["id"])

    await bob.client.delete(board.path(post, "comments", comment["id"]))

    left = (await alice.client.get(board.path(post, "comments", comment["id"]))).json()
    assert (left["content"], left["files"]) == ("", [])
    assert not await sees(alice, file)


async def test_a_replaced_post_has_what_is_named(alice: Talker, bob: Talker) -> None:
    old, new = await sent(alice), await sent(alice, name="new.txt")
    post = await board.write(alice, file_ids=[old["id"]])
    body = {"title": "T", "content": "C"}

    put = await alice.client.put(board.path(post), json=body | {"file_ids": [new["id"]]})
    bare = await alice.client.put(board.path(post), json=body)

    assert put.json()["files"] == shown(new)
    assert put.json()["edited_at"] is not None
    assert bare.json()["files"] == []


async def test_an_items_history_tells_of_its_files(alice: Talker) -> None:
    file = await sent(alice)
    item = await items.make(alice)

    await alice.client.patch(items.path(item), json={"file_ids": [file["id"]]})

    history = (await alice.client.get(items.path(item, "history"))).json()["items"]
    assert history[-1]["details"] == {"files": [[], [file["id"]]]}


async def test_deleted_while_it_is_put_on_things(alice: Talker, bob: Talker) -> None:
    """Each is told what became of it: the thing has the file, or is refused, or has lost it."""
    post = await board.write(alice)
    for number in range(10):
        file = await sent(alice, name=f"{number}.txt")
        ids = [file["id"]]

        gone, *made = await asyncio.gather(
            alice.client.delete(path(file)),
            alice.send(bob, file_ids=ids),
            alice.client.post(board.POSTS, json={"title": "T", "content": "C", "file_ids": ids}),
            alice.client.patch(board.path(post), json={"file_ids": ids}),
            alice.client.post(items.ITEMS, json={"title": "T", "file_ids": ids}),
        )

        assert gone.status_code == 204
        assert {refusal(each) for each in made if each.is_error} <= {(404, "file_not_found")}
        assert (await bob.client.get(board.path(post))).json()["files"] == []
        assert not await sees(bob, file)


class TestHostile:
    async def test_only_ones_own_can_be_shown(
        self, alice: Talker, bob: Talker, eve: Talker, hub: Resources
    ) -> None:
        """A file of another's is refused like one that doesn't exist, and nothing is stored."""
        theirs = await sent(bob)
        seen = await sent(bob, name="seen.txt")
        await bob.send(alice, file_ids=[seen["id"]])
        mine = await sent(alice)
        post = await board.write(alice)
        comments = board.path(post, "comments")
        comment = await board.remark(alice, post)
        item = await items.make(alice)
        made = {"title": "T", "content": "C"}
        calls: list[tuple[str, str, dict[str, Any]]] = [
            ("POST", MESSAGES, {"to": ["agent:bob"], "content": "hi"}),
            ("POST", board.POSTS, made),
            ("PUT", board.path(post), made),
            ("PATCH", board.path(post), {}),
            ("POST", comments, {"content": "C"}),
            ("PATCH", f"{comments}/{comment['id']}", {}),
            ("POST", items.ITEMS, {"title": "T"}),
            ("PATCH", items.path(item), {}),
        ]

        for foreign in (theirs["id"], seen["id"], str(new_id())):
            for method, place, body in calls:
                named = body | {"file_ids": [mine["id"], foreign]}
                answer = await alice.client.request(method, place, json=named)
                assert refusal(answer) == (404, "file_not_found"), (method, place)
                assert foreign not in answer.text

        async with hub.database.read() as session:
            assert await session.scalar(text("SELECT count(*) FROM attachment")) == 1
            assert await session.scalar(text("SELECT count(*) FROM message")) == 1
            assert await session.scalar(text("SELECT count(*) FROM post")) == 1
        assert not await sees(eve, mine)

    async def test_what_is_malformed(self, alice: Talker) -> None:
        file = (await sent(alice))["id"]
        post = await board.write(alice)
        item = await items.make(alice)
        calls: list[tuple[str, str, dict[str, Any]]] = [
            ("POST", MESSAGES, {"to": ["agent:bob"], "content": "hi"}),
            ("POST", board.POSTS, {"title": "T", "content": "C"}),
            ("PATCH", board.path(post), {}),
            ("POST", board.path(post, "comments"), {"content": "C"}),
            ("POST", items.ITEMS, {"title": "T"}),
            ("PATCH", items.path(item), {}),
        ]
        for method, place, body in calls:
            many = [str(new_id()) for _ in range(11)]
            bads: list[object] = [[file, file], many, ["x"], file, [None]]
            for bad in bads:
                answer = await alice.client.request(method, place, json=body | {"file_ids": bad})
                assert answer.status_code == 422, (method, place, bad)

    async def test_who_sees_it_may_not_delete_it(self, alice: Talker, bob: Talker) -> None:
        file = await sent(alice)
        unseen = await bob.client.delete(path(file))
        await alice.send(bob, file_ids=[file["id"]])

        seen = await bob.client.delete(path(file))

        assert refusal(unseen) == (404, "file_not_found")
        assert refusal(seen) == (403, "not_your_file")
        assert await sees(bob, file)

    async def test_ones_list_has_ones_own_alone(self, alice: Talker, bob: Talker) -> None:
        file = await sent(alice)
        await alice.send(bob, file_ids=[file["id"]])

        assert (await bob.client.get(FILES)).json()["items"] == []

    async def test_of_two_requests_the_key_tells_the_files_apart(self, alice: Talker) -> None:
        one, other = await sent(alice), await sent(alice, name="other.txt")
        headers = {"Idempotency-Key": "k"}

        async def write(file: Made) -> httpx2.Response:
            body = {"title": "T", "content": "C", "file_ids": [file["id"]]}
            return await alice.client.post(board.POSTS, json=body, headers=headers)

        first, again, changed = await write(one), await write(one), await write(other)

        assert first.json() == again.json()
        assert refusal(changed) == (409, "idempotency_key_reused")


async def filled(hub: Resources, owner: Talker, reader: Talker, room_id: str) -> UUID:
    """Many files, on many things that nobody sees, and many messages of a reader who sees the room;
    returns a file on none of these."""
    file_ids, message_ids = ([new_id() for _ in range(2000)] for _ in range(2))
    file = {
        "user_id": owner.owner.id,
        "participant_id": owner.id,
        "name": "a.txt",
        "content_type": "text/plain",
        "size": 1,
        "sha256": "",
    }
    room = {
        "title": "R",
        "title_key": "r",
        "visibility": Visibility.PRIVATE,
        "history": History.ALL,
        "created_by": owner.id,
    }
    message = {
        "sender_id": owner.id,
        "room_id": UUID(room_id),
        "addressed": ["room:ops"],
        "content": "hi",
        "content_type": ContentType.TEXT,
        "priority": Priority.NORMAL,
        "hops": 0,
        "created_at": datetime.now(UTC),
    }
    delivery = {
        "recipient_id": reader.id,
        "sender_id": owner.id,
        "state": State.QUEUED,
        "created_at": datetime.now(UTC),
    }
    rows: dict[type[Base], list[dict[str, Any]]] = {
        File: [file | {"id": each} for each in file_ids],
        Room: [room | {"id": new_id(), "name": f"room-{number}"} for number in range(1000)],
        Message: [message | {"id": each, "thread_id": each} for each in message_ids],
        Delivery: [
            delivery | {"message_id": each, "seq": seq} for seq, each in enumerate(message_ids, 1)
        ],
        RoomMessage: [
            {"room_id": UUID(room_id), "message_id": each, "seq": seq}
            # so many that PostgreSQL doesn't rather read them all
            for seq, each in enumerate([*message_ids, *(new_id() for _ in range(10_000))], 1)
        ],
        Attachment: [
            {"kind": kind, "object_id": new_id(), "file_id": each, "position": 0}
            for each in file_ids
            for kind in SIGHTS
        ],
    }
    async with hub.database.write() as session:
        for model, some in rows.items():
            await session.execute(insert(model), some)
            await session.execute(text(f"ANALYZE {model.__tablename__}"))
    return file_ids[1000]


async def test_it_is_found_by_indexes(
    hub: Resources, distributed: bool, alice: Talker, bob: Talker
) -> None:
    file_id = await filled(hub, alice, bob, await room_of(alice, bob))

    for reader in (bob, bob.owner):
        plan = await plan_of(
            hub,
            distributed,
            having="FROM file",
            reading=partial(reader.client.get, f"{FILES}/{file_id}"),
        )
        scanned = set(re.findall(r"(?:SCAN|Seq Scan on) (\w+)", plan))
        assert scanned.isdisjoint(Base.metadata.tables), plan
        assert "ix_attachment_file_id" in plan


@pytest.mark.parametrize("put", [on_post, on_comment, on_item])
async def test_a_page_takes_as_much_with_files_as_without(
    put: Put, alice: Talker, bob: Talker, statements: list[str]
) -> None:
    made = await put(alice, [(await sent(alice))["id"]], None)
    place = where(put, made).rsplit("/", 1)[0]

    async def cost(reader: Somebody) -> int:
        await reader.client.get(place)
        statements.clear()
        answer = await reader.client.get(place)
        assert all(each["files"] for each in answer.json()["items"])
        return len(statements)

    few = await cost(bob)
    for number in range(4):
        file = await sent(alice, name=f"{number}.txt")
        if put is on_comment:
            await alice.client.post(place, json={"content": "C", "file_ids": [file["id"]]})
        else:
            await put(alice, [file["id"]], None)

    assert few == await cost(bob)
