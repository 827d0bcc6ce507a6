"""Items: who makes them, who sees them, who changes them."""

from typing import Any

import httpx2
import pytest
from sqlalchemy import select, text

from hubbub.activity.models import Activity
from hubbub.items.types import Status
from hubbub.kit.db.dialect import db_now
from hubbub.kit.resources import Resources
from tests.fixtures.people import Person
from tests.fixtures.statements import plan_of
from tests.fixtures.waiting import eventually
from tests.items.helpers import (
    ITEMS,
    NOBODY,
    acts,
    done,
    make,
    path,
    post,
    read,
    refusal,
    rows_like,
    titles,
)
from tests.messages.conftest import MakeTalker, Talker
from tests.messages.helpers import act, heard, room_of


class TestMaking:
    async def test_an_item_is_read_by_everybody(self, ann: Person, bob: Talker) -> None:
        body = {
            "title": " Fix the gate ",
            "body": "# How\n",
            "priority": "high",
            "labels": ["Ops", "ops", "gate"],
            "due_at": "2030-01-02T03:04:05+02:00",
        }

        made = await ann.client.post(ITEMS, json=body)

        assert made.status_code == 201
        item = made.json()
        assert (item["title"], item["labels"]) == ("Fix the gate", ["gate", "ops"])
        assert (item["status"], item["priority"]) == ("open", "high")
        assert item["due_at"] == "2030-01-02T01:04:05Z"
        assert item["creator"]["name"] == "ann"
        assert item["assignee"] is item["holder"] is item["fence"] is item["lease_until"] is None
        assert await read(bob, item) == item
        assert await acts(bob, item) == [("created", "ann")]

    async def test_with_a_thread_that_one_sees(self, alice: Talker, bob: Talker) -> None:
        message = (await alice.send(bob)).json()
        body = {"title": "T", "thread_id": message["id"]}

        assert (await make(bob, **body))["thread_id"] == message["thread_id"]
        stranger = await make(alice, "other")
        answer = await alice.client.patch(path(stranger), json={"thread_id": NOBODY})
        assert refusal(answer) == (404, "message_not_found")

    async def test_for_somebody_who_gets_a_message(self, alice: Talker, bob: Talker) -> None:
        item = await make(alice, "Paint", assignee="BOB")

        assert item["assignee"]["name"] == "bob"
        await eventually(lambda: heard(bob))
        [entry] = (await bob.read())["items"]
        assert entry["message"]["content"] == "A work item is meant for you: Paint"
        assert entry["message"]["metadata"] == {"item_id": item["id"], "event": "assigned"}
        assert entry["message"]["from_name"] == "alice"

    async def test_nobody_that_is_not_there(self, ann: Person, alice: Talker) -> None:
        for body, refused in (
            ({"assignee": "alcie"}, (404, "agent_not_found")),
            ({"needs": [NOBODY]}, (404, "item_not_found")),
            ({"room_id": NOBODY}, (404, "room_not_found")),
            ({"thread_id": NOBODY}, (404, "message_not_found")),
            ({"agent_id": str(alice.id)}, (403, "not_your_participant")),
        ):
            answer = await ann.client.post(ITEMS, json={"title": "T"} | body)
            assert refusal(answer) == refused
        assert await titles(ann) == []

    @pytest.mark.parametrize(
        "changes",
        [
            {"title": " "},
            {"title": "a" * 256},
            {"body": "a\x00"},
            {"body": "a" * (64 * 1024 + 1)},
            {"priority": "highest"},
            {"labels": ["a"] * 21},
            {"labels": ["a" * 41]},
            {"due_at": "tomorrow"},
            {"needs": [NOBODY] * 101},
            {"status": "done"},
        ],
    )
    async def test_refuses_what_is_not_acceptable(
        self, ann: Person, changes: dict[str, object]
    ) -> None:
        answer = await ann.client.post(ITEMS, json={"title": "T"} | changes)

        assert refusal(answer) == (422, "validation_failed")


class TestInRooms:
    async def test_in_a_private_room_it_is_its_members(
        self, alice: Talker, bob: Talker, ann: Person, admin: Person
    ) -> None:
        room_id = await room_of(alice, visibility="private")
        item = await make(alice, room_id=room_id)
        other = await make(ann)

        assert await titles(alice.owner, room_id=room_id) == ["Work"]
        for outsider in (bob, ann, admin):
            answers = [
                await outsider.client.get(path(item)),
                await outsider.client.patch(path(item), json={"title": "T"}),
                await outsider.client.delete(path(item)),
                await outsider.client.get(path(item, "history")),
                await outsider.client.get(path(item, "dependencies")),
                await post(outsider, item, "claim"),
                await post(outsider, item, "release", fence=1),
                await post(outsider, item, "handover", fence=1, to="bob"),
            ]
            assert {refusal(each) for each in answers} == {(404, "item_not_found")}
            assert await titles(outsider, room_id=room_id) == []
        waiting = await ann.client.post(path(other, "dependencies"), json={"item_id": item["id"]})
        assert refusal(waiting) == (404, "item_not_found")

    async def test_in_a_public_room_members_work_and_others_look(
        self, alice: Talker, bob: Talker
    ) -> None:
        item = await make(alice, room_id=await room_of(alice))
        body = {"title": "T", "room_id": item["room_id"]}

        assert refusal(await bob.client.post(ITEMS, json=body)) == (403, "not_in_room")
        assert (await read(bob, item))["title"] == "Work"
        assert await titles(bob, ready=True) == []
        assert refusal(await post(bob, item, "claim")) == (403, "not_in_room")
        for_bob = await alice.client.patch(path(item), json={"assignee": "bob"})
        assert refusal(for_bob) == (409, "assignee_not_in_room")


class TestListing:
    async def test_newest_first_by_pages_and_filters(
        self, ann: Person, alice: Talker, bob: Talker
    ) -> None:
        await make(ann, "one", labels=["Red"])
        two = await make(alice, "two", assignee="bob", labels=["red", "blue"])
        await make(alice, "three", room_id=await room_of(alice))

        page = (await ann.client.get(ITEMS, params={"limit": 2})).json()
        assert [each["title"] for each in page["items"]] == ["three", "two"]
        assert await titles(ann, cursor=page["next_cursor"]) == ["one"]
        assert await titles(ann, label="RED") == ["two", "one"]
        assert await titles(ann, creator_id=str(alice.id)) == ["three", "two"]
        assert await titles(ann, assignee_id=str(bob.id)) == ["two"]
        await done(bob, two, "claim")
        assert await titles(ann, holder_id=str(bob.id)) == ["two"]
        assert await titles(ann, status="claimed") == ["two"]
        assert await titles(ann, status="done") == []
        assert (await ann.client.get(ITEMS, params={"status": "odd"})).status_code == 422
        mixed = await ann.client.get(ITEMS, params={"ready": 1, "cursor": page["next_cursor"]})
        assert refusal(mixed) == (400, "invalid_cursor")

    async def test_a_page_of_many_takes_as_many_statements_as_one_of_few(
        self, ann: Person, talkers: MakeTalker, statements: list[str]
    ) -> None:
        async def cost(where: str, **params: Any) -> int:
            await ann.client.get(where, params=params)
            statements.clear()
            assert (await ann.client.get(where, params=params)).status_code == 200
            return len(statements)

        async def costs() -> list[int]:
            history = path(first, "history")
            return [await cost(ITEMS), await cost(ITEMS, ready=True), await cost(history)]

        first = await make(ann)
        few = await costs()
        for number in range(4):
            worker = await talkers(f"worker-{number}")
            await make(worker, labels=[f"l-{number}", "all"], assignee=worker.handle)
            claimed = await done(worker, first, "claim")
            await done(worker, first, "release", fence=claimed["fence"])

        assert min(few) >= 1
        assert few == await costs()

    @pytest.mark.parametrize(
        ("ready", "order", "index"),
        [(True, "rank", "ix_item_ready"), (False, "created_at", "ix_item_created_at")],
    )
    async def test_a_page_is_read_from_its_index(
        self,
        hub: Resources,
        ann: Person,
        bob: Talker,
        distributed: bool,
        ready: bool,
        order: str,
        index: str,
    ) -> None:
        model = await make(ann)
        async with hub.database.write() as session:
            session.add_all(rows_like(model, 3000, status=Status.DONE, finished_at=db_now()))
            session.add_all(rows_like(model, 200, waiting_for=1))
            await session.flush()
            await session.execute(text("ANALYZE item"))

        plan = await plan_of(
            hub,
            distributed,
            having=f"ORDER BY item.{order}",  # the hub itself looks for lapsed claims meanwhile
            reading=lambda: bob.client.get(ITEMS, params={"ready": ready, "limit": 5}),
        )

        assert index in plan
        assert "TEMP B-TREE" not in plan
        assert await titles(bob, ready=True) == ["Work"]


class TestChanging:
    async def test_what_is_left_out_stays_and_what_changed_is_on_record(
        self, ann: Person, bob: Talker, hub: Resources
    ) -> None:
        item = await make(ann, body="long", labels=["a"], due_at="2030-01-01T00:00:00Z")
        changes = {"title": "New", "priority": "low", "labels": ["b"], "due_at": None, "body": "x"}

        changed = (await ann.client.patch(path(item), json=changes)).json()
        same = (await ann.client.patch(path(item), json={"title": "New"})).json()

        assert {**item, **changes} | {"updated_at": changed["updated_at"]} == changed == same
        [_, entry] = (await bob.client.get(path(item, "history"))).json()["items"]
        assert entry["details"] == {
            "title": ["Work", "New"],
            "priority": ["normal", "low"],
            "labels": [["a"], ["b"]],
            "due_at": ["2030-01-01T00:00:00+00:00", None],
            "body": [],
        }
        async with hub.database.read() as session:
            wanted = select(Activity.action).where(Activity.target_kind == "item")
            assert set(await session.scalars(wanted)) == {"item.created", "item.updated"}

    async def test_only_who_made_it_or_an_admin(
        self, alice: Talker, bob: Talker, ann: Person, admin: Person
    ) -> None:
        item, needed = await make(alice), await make(alice)
        for other in (bob, ann):
            answers = [
                await other.client.patch(path(item), json={"title": "T"}),
                await other.client.delete(path(item)),
                await other.client.post(path(item, "dependencies"), json={"item_id": needed["id"]}),
                await other.client.delete(path(item, "dependencies", needed["id"])),
            ]
            assert {refusal(each) for each in answers} == {(403, "not_your_item")}

        for who, title in ((alice.owner, "owner"), (admin, "admin")):
            answer = await who.client.patch(path(item), json={"title": title})
            assert answer.json()["title"] == title
        assert (await admin.client.delete(path(item))).status_code == 204
        assert refusal(await alice.client.get(path(item))) == (404, "item_not_found")

    async def test_cancelling_takes_it_from_its_holder_and_opening_gives_it_back(
        self, ann: Person, bob: Talker
    ) -> None:
        item = await make(ann)
        fence = (await done(bob, item, "claim"))["fence"]

        cancelled = (await ann.client.patch(path(item), json={"status": "cancelled"})).json()
        late = await post(bob, item, "complete", fence=fence)
        again = await post(bob, item, "claim")
        opened = (await ann.client.patch(path(item), json={"status": "open"})).json()

        assert (cancelled["status"], cancelled["holder"]) == ("cancelled", None)
        assert cancelled["finished_at"] is not None
        assert refusal(late) == (409, "claim_lost")
        assert refusal(again) == (409, "item_finished")
        assert (opened["status"], opened["finished_at"]) == ("open", None)
        assert (await done(bob, item, "claim"))["fence"] > fence
        assert [act for act, _ in await acts(ann, item)] == [
            *("created", "claimed", "cancelled", "reopened", "claimed"),
        ]

    async def test_what_is_done_stays_done(self, ann: Person, bob: Talker) -> None:
        item = await make(ann)
        fence = (await done(bob, item, "claim"))["fence"]
        await done(bob, item, "complete", fence=fence)

        for status in ("open", "cancelled"):
            answer = await ann.client.patch(path(item), json={"status": status})
            assert refusal(answer) == (409, "item_finished")
        refused = await ann.client.patch(path(item), json={"status": "done"})
        assert refusal(refused) == (422, "validation_failed")

    async def test_what_is_meant_for_one_who_is_deleted_is_anybodys(
        self, ann: Person, bob: Talker
    ) -> None:
        item = await make(ann, assignee="bob")
        assert refusal(await post(ann, item, "claim")) == (403, "reserved_for_another")

        await bob.owner.client.delete(f"/api/v1/agents/{bob.id}")

        async def is_free() -> bool:
            return (await read(ann, item))["assignee"] is None

        await eventually(is_free)
        await done(ann, item, "claim")

    async def test_so_is_what_had_failed_and_is_opened_again(
        self, ann: Person, bob: Talker
    ) -> None:
        item = await make(ann, assignee="bob")
        fence = (await done(bob, item, "claim"))["fence"]
        await done(bob, item, "fail", fence=fence)
        await bob.owner.client.delete(f"/api/v1/agents/{bob.id}")

        async def is_free() -> bool:
            return (await read(ann, item))["assignee"] is None

        await eventually(is_free)
        await ann.client.patch(path(item), json={"status": "open"})
        await done(ann, item, "claim")

    async def test_in_a_room_only_by_who_may_speak_there(
        self, alice: Talker, bob: Talker, admin: Person
    ) -> None:
        room_id = await room_of(alice, bob)
        item = await make(bob, room_id=room_id)
        await act(bob, room_id, "leave")

        changed = await bob.client.patch(path(item), json={"title": "Spam", "assignee": "alice"})
        cancelled = await bob.client.patch(path(item), json={"status": "cancelled"})

        assert refusal(changed) == (403, "not_in_room")
        assert cancelled.json()["status"] == "cancelled"
        assert (await admin.client.patch(path(item), json={"title": "Work"})).status_code == 200


async def test_nothing_without_a_credential(ann: Person, client: httpx2.AsyncClient) -> None:
    item = await make(ann)
    calls = [("GET", ITEMS), ("POST", ITEMS), ("POST", f"{ITEMS}/claim")]
    calls += [(method, path(item)) for method in ("GET", "PATCH", "DELETE")]
    acting = ("claim", "extend", "release", "complete", "fail", "handover", "dependencies")
    calls += [("POST", path(item, act)) for act in acting]
    calls += [("GET", path(item, "history")), ("GET", path(item, "dependencies"))]
    calls += [("DELETE", path(item, "dependencies", NOBODY))]

    for method, where in calls:
        answer = await client.request(method, where, json={"title": "T", "fence": 1})
        assert answer.status_code == 401, where
