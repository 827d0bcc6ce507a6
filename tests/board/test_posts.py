"""Posts: who writes, who reads, who changes."""

from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import text

from hubbub.board.models import Post
from hubbub.kit.resources import Resources
from tests.agents.helpers import person_of
from tests.board.helpers import NOBODY, POSTS, path, refusal, remark, titles, write
from tests.fixtures.people import Person
from tests.fixtures.statements import plan_of
from tests.fixtures.waiting import eventually
from tests.messages.conftest import MakeTalker, Talker
from tests.messages.helpers import act, room_of
from tests.rooms.helpers import notified


class TestWriting:
    async def test_a_post_is_read_by_everybody(self, ann: Person, bob: Talker) -> None:
        body = {"title": "  Plan for May ", "content": "# Now\n", "tags": ["Ops", "may", "ops"]}

        made = await ann.client.post(POSTS, json=body)

        assert made.status_code == 201
        post = made.json()
        assert (post["title"], post["content"]) == ("Plan for May", "# Now\n")
        assert post["tags"] == ["may", "ops"]
        assert post["creator"]["name"] == "ann"
        assert (post["room_id"], post["edited_at"], post["comments"]) == (None, None, 0)
        assert (await bob.client.get(path(post))).json() == post

    async def test_an_agent_writes_and_its_owner_writes_for_it(self, alice: Talker) -> None:
        own = await write(alice)
        owners = await write(alice.owner, agent_id=str(alice.id))

        assert own["creator"] == owners["creator"]
        assert own["creator"]["name"] == "alice"

    async def test_nobody_writes_as_somebody_elses_agent(self, ann: Person, bob: Talker) -> None:
        body = {"title": "T", "content": "C", "agent_id": str(bob.id)}

        assert refusal(await ann.client.post(POSTS, json=body)) == (403, "not_your_participant")

    @pytest.mark.parametrize(
        "changes",
        [
            {"title": ""},
            {"title": " \t "},
            {"title": "a" * 256},
            {"title": "a\nb"},
            {"title": None},
            {"content": ""},
            {"content": " \n "},
            {"content": "a\x00b"},
            {"content": "a" * (64 * 1024 + 1)},
            {"tags": ["a"] * 21},
            {"tags": ["a" * 41]},
            {"tags": [" "]},
            {"room_id": "ops"},
            {"creator_id": NOBODY},
        ],
    )
    async def test_refuses_what_is_not_acceptable(
        self, ann: Person, changes: dict[str, object]
    ) -> None:
        answer = await ann.client.post(POSTS, json={"title": "T", "content": "C"} | changes)

        assert refusal(answer) == (422, "validation_failed")
        assert await titles(ann) == []

    async def test_a_title_of_255_of_any_letters_fits(self, ann: Person) -> None:
        post = await write(ann, "𝕏" * 255, tags=["İ" * 40])

        assert (await ann.client.get(path(post))).json()["title"] == "𝕏" * 255


class TestInRooms:
    async def test_what_stands_in_a_private_room_is_seen_by_its_members_and_their_owners(
        self, alice: Talker, bob: Talker, ann: Person, admin: Person
    ) -> None:
        room_id = await room_of(alice, visibility="private")
        post = await write(alice, room_id=room_id)

        assert (await alice.owner.client.get(path(post))).status_code == 200
        for outsider in (bob, ann, admin):
            assert refusal(await outsider.client.get(path(post))) == (404, "post_not_found")
            assert await titles(outsider) == []
            assert await titles(outsider, room_id=room_id) == []
            assert await titles(outsider, q="news") == []
            assert await titles(outsider, creator_id=str(alice.id)) == []

    async def test_who_leaves_sees_it_no_more_and_who_joins_does(
        self, alice: Talker, bob: Talker
    ) -> None:
        room_id = await room_of(alice, bob, visibility="private")
        post = await write(bob, room_id=room_id)
        assert await titles(alice, room_id=room_id) == ["News"]

        await act(bob, room_id, "leave")

        answers = [
            await bob.client.get(path(post)),
            await bob.client.patch(path(post), json={"title": "Gone"}),
            await bob.client.delete(path(post)),
        ]
        assert {refusal(each) for each in answers} == {(404, "post_not_found")}

    async def test_a_public_room_is_read_by_all_and_written_in_by_members(
        self, alice: Talker, bob: Talker
    ) -> None:
        room_id = await room_of(alice)
        body = {"title": "T", "content": "C", "room_id": room_id}

        refused = await bob.client.post(POSTS, json=body)
        post = await write(alice, room_id=room_id)

        assert refusal(refused) == (403, "not_in_room")
        assert (await bob.client.get(path(post))).status_code == 200

    async def test_who_may_not_speak_there_any_more_only_deletes(
        self, alice: Talker, bob: Talker, admin: Person
    ) -> None:
        room_id = await room_of(alice, bob)
        post = await write(bob, room_id=room_id)
        change = {"title": "T", "content": "C"}
        where = path(post)

        role = f"/api/v1/rooms/{room_id}/members/{bob.id}"
        await alice.client.patch(role, json={"role": "observer"})
        assert refusal(await bob.client.patch(where, json=change)) == (403, "only_listens")
        await act(bob, room_id, "leave")
        assert refusal(await bob.client.put(where, json=change)) == (403, "not_in_room")
        assert refusal(await bob.owner.client.put(where, json=change)) == (403, "not_in_room")
        await alice.client.delete(f"/api/v1/rooms/{room_id}")
        assert refusal(await bob.client.patch(where, json=change)) == (410, "room_closed")

        assert (await admin.client.patch(where, json=change)).status_code == 200
        assert (await bob.client.delete(where)).status_code == 204

    async def test_rooms_that_are_not_there_closed_or_only_listened_to(
        self, alice: Talker, bob: Talker, ann: Person
    ) -> None:
        private = await room_of(alice, name="private", visibility="private")
        room_id = await room_of(alice, bob)
        role = f"/api/v1/rooms/{room_id}/members/{bob.id}"
        assert (await alice.client.patch(role, json={"role": "observer"})).is_success

        async def refused(author: Talker | Person, room: str) -> tuple[int, str]:
            body = {"title": "T", "content": "C", "room_id": room}
            return refusal(await author.client.post(POSTS, json=body))

        assert await refused(ann, private) == await refused(ann, NOBODY) == (404, "room_not_found")
        assert await refused(bob, room_id) == (403, "only_listens")
        post = await write(alice, room_id=room_id)
        await alice.client.delete(f"/api/v1/rooms/{room_id}")
        assert await refused(alice, room_id) == (410, "room_closed")
        assert (await bob.client.get(path(post))).status_code == 200


class TestListing:
    async def test_newest_first_by_pages(self, ann: Person) -> None:
        for number in range(5):
            await write(ann, str(number))

        first = (await ann.client.get(POSTS, params={"limit": 2})).json()
        await write(ann, "later")
        params = {"limit": 100, "cursor": first["next_cursor"]}
        rest = (await ann.client.get(POSTS, params=params)).json()

        pages = [each["title"] for page in (first, rest) for each in page["items"]]
        assert pages == ["4", "3", "2", "1", "0"]
        assert rest["next_cursor"] is None

    async def test_filters(self, ann: Person, alice: Talker) -> None:
        room_id = await room_of(alice)
        await write(ann, "of ann", tags=["Ops"])
        await write(alice, "in ops", room_id=room_id, tags=["ops", "may"])

        assert await titles(ann, tag="OPS") == ["in ops", "of ann"]
        assert await titles(ann, tag="may") == ["in ops"]
        assert await titles(ann, room_id=room_id) == ["in ops"]
        assert await titles(ann, creator_id=str(alice.id)) == ["in ops"]
        assert await titles(ann, creator_id=NOBODY) == []

    async def test_search_by_words_with_safe_snippets(self, ann: Person) -> None:
        await write(ann, "Café plans", content="<b>Deploy</b> on Monday")
        old = await write(ann, "Other", content="deployment on Tuesday")

        assert await titles(ann, q="cafe") == ["Café plans"]
        assert await titles(ann, q="deploy*") == ["Other", "Café plans"]
        found = (await ann.client.get(POSTS, params={"q": "deploy monday"})).json()["items"]
        assert found[0]["snippet"] == (
            "Café plans <mark>&lt;b&gt;Deploy&lt;/b&gt;</mark> on <mark>Monday</mark>"
        )
        await ann.client.patch(path(old), json={"content": "nothing"})
        assert await titles(ann, q="deployment") == []
        await ann.client.delete(path(old))
        assert await titles(ann, q="nothing") == []

    async def test_a_search_goes_on_from_its_cursor(self, ann: Person) -> None:
        for number in range(5):
            await write(ann, str(number), content="same")
        seen: list[str] = []
        params: dict[str, Any] = {"q": "same", "limit": 2}

        while True:
            page = (await ann.client.get(POSTS, params=params)).json()
            seen += [each["title"] for each in page["items"]]
            if page["next_cursor"] is None:
                break
            params["cursor"] = page["next_cursor"]

        assert seen == ["4", "3", "2", "1", "0"]
        assert refusal(await ann.client.get(POSTS, params={"cursor": params["cursor"]})) == (
            400,
            "invalid_cursor",
        )

    @pytest.mark.parametrize("params", [{}, {"q": "news"}])
    async def test_a_page_of_many_takes_as_many_statements_as_one_of_few(
        self, ann: Person, talkers: MakeTalker, statements: list[str], params: dict[str, str]
    ) -> None:
        async def cost() -> int:
            await ann.client.get(POSTS, params=params)
            statements.clear()
            answer = await ann.client.get(POSTS, params=params)
            assert all(each["creator"]["name"] for each in answer.json()["items"])
            return len(statements)

        await write(ann, tags=["one"])
        few = await cost()
        for number in range(5):
            author = await talkers(f"author-{number}")
            post = await write(author, tags=[f"tag-{number}", "all"])
            await remark(ann, post)

        assert 1 <= few == await cost()

    async def test_a_page_is_read_from_its_index(
        self, hub: Resources, ann: Person, distributed: bool
    ) -> None:
        creator_id = UUID((await write(ann))["creator"]["id"])
        async with hub.database.write() as session:
            posts = [Post(title="T", content="C", creator_id=creator_id) for _ in range(3000)]
            session.add_all(posts)
            await session.flush()
            await session.execute(text("ANALYZE post"))

        plan = await plan_of(
            hub, distributed, having="ORDER BY post.", reading=lambda: ann.client.get(POSTS)
        )

        assert "ix_post_created_at" in plan
        assert "TEMP B-TREE" not in plan

    async def test_of_a_user_what_they_wrote_in_person(
        self, ann: Person, alice: Talker, other_user: Person
    ) -> None:
        where = f"{alice.owner.path}/posts"
        await write(alice, "the agent's")
        await write(ann, "another's")
        for number in range(2):
            await write(alice.owner, str(number))

        assert await titles(other_user, where) == ["1", "0"]
        assert await titles(other_user, where, limit=1) == ["1"]
        unknown = await ann.client.get(f"/api/v1/users/{NOBODY}/posts")
        assert refusal(unknown) == (404, "user_not_found")


class TestChanging:
    async def test_put_replaces_and_patch_keeps_what_is_left_out(self, ann: Person) -> None:
        post = await write(ann, tags=["a", "b"])

        patched = (await ann.client.patch(path(post), json={"tags": ["b", "c"]})).json()
        replaced = (
            await ann.client.put(path(post), json={"title": "New", "content": "New."})
        ).json()

        assert (patched["title"], patched["tags"]) == ("News", ["b", "c"])
        assert (replaced["title"], replaced["content"], replaced["tags"]) == ("New", "New.", [])
        assert replaced["edited_at"] >= patched["edited_at"] > post["created_at"]
        assert (await ann.client.get(path(post))).json() == replaced

    async def test_what_changes_nothing_leaves_no_mark(self, ann: Person) -> None:
        post = await write(ann, tags=["a"])

        answer = await ann.client.patch(path(post), json={"title": "News", "tags": ["A"]})

        assert answer.json() == post

    async def test_only_the_creator_or_an_admin_changes_and_deletes(
        self, ann: Person, ben: Person, bob: Talker, admin: Person
    ) -> None:
        post = await write(ann)
        new = {"title": "Theirs", "content": "Theirs."}

        for other in (ben, bob):
            answers = [
                await other.client.put(path(post), json=new),
                await other.client.patch(path(post), json=new),
                await other.client.delete(path(post)),
            ]
            assert {refusal(each) for each in answers} == {(403, "not_your_post")}

        assert (await ann.client.get(path(post))).json() == post
        assert (await admin.client.patch(path(post), json=new)).json()["title"] == "Theirs"
        assert (await admin.client.delete(path(post))).status_code == 204

    async def test_an_agents_post_is_its_owners_too_but_not_its_siblings(
        self, alice: Talker, talkers: MakeTalker
    ) -> None:
        post = await write(alice)
        sibling = await talkers("sibling")

        assert refusal(await sibling.client.delete(path(post))) == (403, "not_your_post")
        await alice.owner.client.delete(f"/api/v1/agents/{alice.id}")
        assert (await alice.owner.client.get(path(post))).json()["creator"]["name"] == "alice"
        assert (await alice.owner.client.delete(path(post))).status_code == 204

    async def test_deleting_takes_the_comments_along(self, ann: Person, ben: Person) -> None:
        post = await write(ann, tags=["a"])
        comment = await remark(ben, post)
        await remark(ann, post, parent_id=comment["id"])

        assert (await ann.client.delete(path(post))).status_code == 204

        for where in (path(post), path(post, "comments"), path(post, "comments", comment["id"])):
            assert refusal(await ben.client.get(where)) == (404, "post_not_found")
        assert await titles(ann, tag="a") == []

    async def test_one_that_is_not_there(self, ann: Person) -> None:
        where = f"{POSTS}/{NOBODY}"
        new = {"title": "T", "content": "C"}
        answers = [
            await ann.client.get(where),
            await ann.client.put(where, json=new),
            await ann.client.patch(where, json=new),
            await ann.client.delete(where),
        ]

        assert {refusal(each) for each in answers} == {(404, "post_not_found")}

    @pytest.mark.parametrize("body", [{"title": " "}, {"room_id": NOBODY}, {"content": None}])
    async def test_changes_that_are_not_acceptable(
        self, ann: Person, body: dict[str, object]
    ) -> None:
        post = await write(ann)

        assert (await ann.client.patch(path(post), json=body)).status_code == 422
        assert (await ann.client.put(path(post), json=body)).status_code == 422


async def test_nothing_without_a_credential(ann: Person, client: httpx2.AsyncClient) -> None:
    post = await write(ann)
    calls = [("GET", POSTS), ("POST", POSTS)]
    calls += [(method, path(post)) for method in ("GET", "PUT", "PATCH", "DELETE")]

    for method, where in [*calls, ("GET", f"{ann.path}/posts")]:
        answer = await client.request(method, where, json={"title": "T", "content": "C"})
        assert answer.status_code == 401


class TestMentions:
    async def test_who_is_named_is_told_once(self, ann: Person, bob: Talker) -> None:
        post = await write(ann, "Plan", content="@bob and @nobody, `@ann`; thanks, @bob.")

        await eventually(lambda: notified(bob.owner, "board.mentioned"))
        await ann.client.patch(path(post), json={"content": "@bob again, and @ann"})
        await remark(bob, post, content="@ann look")
        await eventually(lambda: notified(ann, "board.mentioned"))

        assert await notified(bob.owner, "board.mentioned") == ["ann mentions bob on the board"]
        # not of what she wrote herself
        assert await notified(ann, "board.mentioned") == ["bob mentions ann on the board"]

    async def test_who_may_not_see_it_or_has_blocked_the_author_is_told_nothing(
        self, alice: Talker, bob: Talker, ann: Person
    ) -> None:
        room_id = await room_of(alice, visibility="private")
        blocks = f"/api/v1/agents/{bob.id}/blocks"
        assert (await bob.client.post(blocks, json={"other": "alice"})).is_success

        await write(alice, room_id=room_id, content="@ann @bob")
        await write(alice, content="@bob")
        # the jobs run in their order: when this one has run, those before have
        await write(alice, content="@ann")
        await eventually(lambda: notified(ann, "board.mentioned"))

        assert len(await notified(ann, "board.mentioned")) == 1
        assert await notified(bob.owner, "board.mentioned") == []
        assert (await person_of(ann))["name"] == "ann"
