import asyncio

import pytest

from tests.agents.helpers import make_agent, person_of
from tests.fixtures.people import Person
from tests.rooms.helpers import NOBODY, call, make_room, members, path, read, refusal


class TestListing:
    async def test_shows_who_is_there_the_longest_standing_first(
        self, ann: Person, ben: Person
    ) -> None:
        scout = await make_agent(ben, "scout", display_name="The Scout")
        room = await make_room(ann, "ops")
        await call(ben, room, "join", agent_id=scout["id"])

        page = await ben.client.get(path(room, "members"), params={"limit": 1})
        rest = await ben.client.get(
            path(room, "members"), params={"cursor": page.json()["next_cursor"]}
        )

        [first], [second] = page.json()["items"], rest.json()["items"]
        assert (first["handle"], first["kind"], first["role"]) == ("ann", "person", "owner")
        assert second.pop("joined_at") > first["joined_at"]
        assert second == {
            "participant_id": scout["id"],
            "handle": "scout",
            "display_name": "The Scout",
            "kind": "agent",
            "role": "member",
        }
        assert rest.json()["next_cursor"] is None

    async def test_of_nothing_and_with_a_wrong_cursor(self, ann: Person) -> None:
        room = await make_room(ann, "ops")

        nowhere = await ann.client.get(path({"id": NOBODY}, "members"))
        wrong = await ann.client.get(path(room, "members"), params={"cursor": "nonsense"})

        assert refusal(nowhere) == (404, "room_not_found")
        assert refusal(wrong) == (400, "invalid_cursor")


class TestRoles:
    async def test_owners_give_them(self, ann: Person, ben: Person) -> None:
        room = await make_room(ann, "ops")
        await call(ben, room, "join")
        bens, anns = await person_of(ben), await person_of(ann)

        made = await ann.client.patch(path(room, "members", bens["id"]), json={"role": "owner"})
        unmade = await ben.client.patch(path(room, "members", anns["id"]), json={"role": "member"})
        no_more = await ann.client.patch(path(room, "members", bens["id"]), json={"role": "member"})

        assert (made.status_code, made.json()["role"], made.json()["handle"]) == (
            200,
            "owner",
            "ben",
        )
        assert unmade.json()["role"] == "member"
        assert refusal(no_more) == (403, "not_room_owner")
        assert await members(ann, room) == {"ann": "member", "ben": "owner"}

    async def test_the_last_owner_stays_one(self, ann: Person, ben: Person) -> None:
        room = await make_room(ann, "ops")
        await call(ben, room, "join")
        where = path(room, "members", (await person_of(ann))["id"])

        lowered = await ann.client.patch(where, json={"role": "observer"})
        same = await ann.client.patch(where, json={"role": "owner"})
        removed = await ann.client.delete(where)

        assert refusal(lowered) == refusal(removed) == (409, "last_owner")
        assert same.status_code == 200
        assert (await members(ann, room))["ann"] == "owner"

    async def test_two_owners_who_lower_each_other_at_once_leave_one(
        self, ann: Person, ben: Person
    ) -> None:
        room = await make_room(ann, "ops")
        await call(ben, room, "join")
        bens, anns = await person_of(ben), await person_of(ann)
        await ann.client.patch(path(room, "members", bens["id"]), json={"role": "owner"})

        answers = await asyncio.gather(
            ann.client.patch(path(room, "members", bens["id"]), json={"role": "member"}),
            ben.client.patch(path(room, "members", anns["id"]), json={"role": "member"}),
        )

        assert sorted(answer.status_code for answer in answers) == [200, 403]
        assert sorted((await members(ann, room)).values()) == ["member", "owner"]

    @pytest.mark.parametrize("body", [{}, {"role": "king"}, {"role": None}])
    async def test_refuses_what_is_not_acceptable(
        self, ann: Person, body: dict[str, object]
    ) -> None:
        room = await make_room(ann, "ops")

        answer = await ann.client.patch(path(room, "members", NOBODY), json=body)

        assert answer.status_code == 422


class TestRemoving:
    async def test_by_owners(self, ann: Person, ben: Person, admin: Person) -> None:
        room = await make_room(ann, "ops")
        await call(ben, room, "join")
        where = path(room, "members", (await person_of(ben))["id"])

        by_member = await ben.client.delete(where)
        by_admin = await admin.client.delete(where)
        removed = await ann.client.delete(where)
        again = await ann.client.delete(where)
        unknown = await ann.client.patch(path(room, "members", NOBODY), json={"role": "owner"})

        assert refusal(by_member) == refusal(by_admin) == (403, "not_room_owner")
        assert removed.status_code == 204
        assert refusal(again) == refusal(unknown) == (404, "member_not_found")
        assert (await read(ann, room))["members"] == 1

    async def test_from_a_private_room_takes_it_out_of_sight(
        self, ann: Person, ben: Person
    ) -> None:
        room = await make_room(ann, "secret", visibility="private", members=["ben"])
        await call(ben, room, "join")

        await ann.client.delete(path(room, "members", (await person_of(ben))["id"]))

        assert refusal(await ben.client.get(path(room))) == (404, "room_not_found")
