import asyncio

import httpx2
import pytest

from hubbub.settings import RoomSettings, Settings
from tests.agents.helpers import as_agent, make_agent, person_of
from tests.fixtures.people import Person
from tests.fixtures.waiting import eventually
from tests.rooms.helpers import (
    NOBODY,
    ROOMS,
    call,
    make_room,
    members,
    names,
    notified,
    path,
    read,
    refusal,
)


@pytest.mark.parametrize(
    ("method", "more"),
    [
        ("GET", ""),
        ("POST", ""),
        ("GET", f"/{NOBODY}"),
        ("PATCH", f"/{NOBODY}"),
        ("DELETE", f"/{NOBODY}"),
        ("POST", f"/{NOBODY}/join"),
        ("POST", f"/{NOBODY}/leave"),
        ("POST", f"/{NOBODY}/mute"),
        ("POST", f"/{NOBODY}/invite"),
        ("DELETE", f"/{NOBODY}/invite/{NOBODY}"),
        ("GET", f"/{NOBODY}/members"),
        ("PATCH", f"/{NOBODY}/members/{NOBODY}"),
        ("DELETE", f"/{NOBODY}/members/{NOBODY}"),
    ],
)
async def test_nobody_gets_there_without_a_credential(
    client: httpx2.AsyncClient, method: str, more: str
) -> None:
    assert (await client.request(method, ROOMS + more)).status_code == 401


class TestMaking:
    async def test_makes_its_maker_the_owner(self, ann: Person) -> None:
        room = await make_room(ann, "Ops", description="Who is on call?")

        assert (room["name"], room["title"], room["description"]) == (
            "ops",
            "Ops",
            "Who is on call?",
        )
        assert (room["visibility"], room["history"], room["role"]) == ("public", "all", "owner")
        assert (room["members"], room["muted"], room["deleted_at"]) == (1, False, None)
        assert room["created_by"] == (await person_of(ann))["id"]
        assert await members(ann, room) == {"ann": "owner"}
        assert await read(ann, room) == room

    async def test_for_an_agent_of_ones_own(
        self, client: httpx2.AsyncClient, ann: Person, ben: Person
    ) -> None:
        scout = await make_agent(ann, "scout")
        theirs = await make_agent(ben, "theirs")

        room = await make_room(ann, "scouts", agent_id=scout["id"])
        by_itself = await as_agent(client, scout, "POST", ROOMS, json={"name": "alone"})
        for_ben = await ann.client.post(ROOMS, json={"name": "no", "agent_id": theirs["id"]})
        for_owner = await as_agent(
            client, scout, "POST", ROOMS, json={"name": "no", "agent_id": theirs["id"]}
        )

        assert (room["created_by"], room["role"]) == (scout["id"], "owner")
        assert await members(ann, room) == {"scout": "owner"}
        assert (by_itself.status_code, by_itself.json()["created_by"]) == (201, scout["id"])
        for answer in (for_ben, for_owner):
            assert refusal(answer) == (403, "not_your_participant")

    async def test_with_first_members(self, ann: Person, ben: Person) -> None:
        await make_agent(ann, "scout")
        theirs = await make_agent(ben, "theirs")

        room = await make_room(ann, "ops", members=["SCOUT", theirs["id"], "theirs", "ann"])

        assert await members(ann, room) == {"ann": "owner", "scout": "member"}
        assert room["members"] == 2
        assert (await read(ben, room, agent_id=theirs["id"]))["invited"]
        await eventually(lambda: notified(ben, "rooms.invited"))

    async def test_with_somebody_unknown_makes_nothing(self, ann: Person) -> None:
        await make_agent(ann, "scout")

        mistyped = await ann.client.post(ROOMS, json={"name": "ops", "members": ["scuot"]})
        by_id = await ann.client.post(ROOMS, json={"name": "ops", "members": [NOBODY]})

        assert refusal(mistyped) == refusal(by_id) == (404, "agent_not_found")
        assert mistyped.json()["did_you_mean"] == ["scout"]
        assert await names(ann) == []

    async def test_a_name_is_taken_for_ever_whatever_its_case(
        self, ann: Person, ben: Person
    ) -> None:
        room = await make_room(ann, "ops")
        again = await ben.client.post(ROOMS, json={"name": "OPS"})
        await ann.client.delete(path(room))
        after = await ann.client.post(ROOMS, json={"name": "ops"})

        assert refusal(again) == refusal(after) == (409, "room_name_taken")

    async def test_at_once_one_gets_the_name(self, ann: Person) -> None:
        answers = await asyncio.gather(
            *(ann.client.post(ROOMS, json={"name": "ops"}) for _ in range(8))
        )

        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"name": ""},
            {"name": "-ops"},
            {"name": "a b"},
            {"name": "a" * 65},
            {"name": NOBODY},
            {"name": "ops", "title": ""},
            {"name": "ops", "title": "a\nb"},
            {"name": "ops", "description": "a" * 2001},
            {"name": "ops", "visibility": "secret"},
            {"name": "ops", "history": "none"},
            {"name": "ops", "members": ["a"] * 101},
            {"name": "ops", "agent_id": "ann"},
            {"name": "ops", "owner": "ann"},
        ],
    )
    async def test_refuses_what_is_not_acceptable(
        self, ann: Person, body: dict[str, object]
    ) -> None:
        assert (await ann.client.post(ROOMS, json=body)).status_code == 422


class TestSeeing:
    async def test_a_private_room_is_nothing_to_outsiders(self, ann: Person, ben: Person) -> None:
        room = await make_room(ann, "secret", visibility="private")
        member = (await person_of(ann))["id"]

        answers = [
            await ben.client.get(path(room)),
            await ben.client.patch(path(room), json={"title": "Mine"}),
            await ben.client.delete(path(room)),
            await call(ben, room, "join"),
            await call(ben, room, "leave"),
            await call(ben, room, "mute", muted=True),
            await call(ben, room, "invite", participants=["ben"]),
            await ben.client.delete(path(room, "invite", member)),
            await ben.client.get(path(room, "members")),
            await ben.client.patch(path(room, "members", member), json={"role": "member"}),
            await ben.client.delete(path(room, "members", member)),
        ]

        assert {refusal(answer) for answer in answers} == {(404, "room_not_found")}
        assert await names(ben) == []
        assert await names(ann) == ["secret"]

    async def test_the_invited_and_the_owners_of_members_see_it(
        self, client: httpx2.AsyncClient, ann: Person, ben: Person, cleo: Person
    ) -> None:
        scout = await make_agent(ben, "scout")
        other = await make_agent(ben, "other")
        room = await make_room(ann, "secret", visibility="private", members=["scout", "cleo"])

        assert (await read(cleo, room))["invited"] is True
        assert (await read(ben, room))["invited"] is False
        assert await names(ben) == await names(ben, agent_id=scout["id"]) == ["secret"]
        assert await names(ben, agent_id=other["id"]) == []
        assert (await as_agent(client, scout, "GET", path(room))).status_code == 200
        assert (await as_agent(client, other, "GET", path(room))).status_code == 404

        await call(ben, room, "join", agent_id=scout["id"])
        assert (await read(ben, room, agent_id=scout["id"]))["role"] == "member"
        assert (await read(ben, room))["role"] is None

    async def test_admins_see_that_it_is_there(self, ann: Person, admin: Person) -> None:
        room = await make_room(ann, "secret", visibility="private")
        key = await admin.client.post("/api/v1/api-keys", json={"name": "k", "scopes": ["read"]})
        without_scope = {"Authorization": f"Bearer {key.json()['key']}"}

        assert (await read(admin, room))["name"] == "secret"
        assert await names(admin) == ["secret"]
        assert await names(admin, mine=True) == []
        assert refusal(await call(admin, room, "join")) == (403, "not_invited")
        hidden = await admin.client.get(path(room), headers=without_scope)
        assert hidden.status_code == 404

    async def test_public_rooms_are_listed_for_all_newest_first(
        self, ann: Person, ben: Person
    ) -> None:
        for name in ("first", "second", "third"):
            await make_room(ann, name)

        page = await ben.client.get(ROOMS, params={"limit": 2})
        rest = await ben.client.get(ROOMS, params={"cursor": page.json()["next_cursor"]})

        assert [room["name"] for room in page.json()["items"]] == ["third", "second"]
        assert [room["name"] for room in rest.json()["items"]] == ["first"]
        assert rest.json()["next_cursor"] is None
        wrong = await ben.client.get(ROOMS, params={"cursor": "nonsense"})
        assert refusal(wrong) == (400, "invalid_cursor")

    async def test_filters(self, ann: Person, ben: Person) -> None:
        await make_room(ann, "ops", title="Straße 1_a")
        await make_room(ann, "devs", title="Builders")
        mine = await make_room(ben, "mine")

        assert await names(ben, mine=True) == ["mine"]
        assert await names(ben, q="OP") == ["ops"]
        assert await names(ben, q="strasse") == ["ops"]
        assert await names(ben, q="ilder") == ["devs"]
        assert await names(ben, q="%") == []
        assert await names(ben, q="_") == ["ops"]
        assert (await ben.client.get(ROOMS, params={"q": ""})).status_code == 422
        assert mine["role"] == "owner"

    async def test_only_as_an_agent_of_ones_own(self, ann: Person, ben: Person) -> None:
        theirs = await make_agent(ben, "theirs")
        room = await make_room(ann, "ops")

        for where in (ROOMS, path(room)):
            answer = await ann.client.get(where, params={"agent_id": theirs["id"]})
            assert refusal(answer) == (403, "not_your_participant")


class TestChanging:
    async def test_by_an_owner(self, ann: Person, ben: Person) -> None:
        room = await make_room(ann, "ops")

        changed = await ann.client.patch(
            path(room), json={"title": "Operations", "visibility": "private", "history": "all"}
        )

        assert changed.status_code == 200
        assert changed.json()["title"] == "Operations"
        assert (changed.json()["visibility"], changed.json()["history"]) == ("private", "all")
        assert changed.json()["updated_at"] is not None
        assert changed.json()["description"] == ""
        assert (await ben.client.get(path(room))).status_code == 404
        assert await names(ann, q="operat") == ["ops"]

    async def test_by_whom_an_agent_of_theirs_owns_it(
        self, client: httpx2.AsyncClient, ann: Person
    ) -> None:
        scout = await make_agent(ann, "scout")
        other = await make_agent(ann, "other")
        room = await make_room(ann, "ops", agent_id=scout["id"])

        by_user = await ann.client.patch(path(room), json={"title": "One"})
        by_itself = await as_agent(client, scout, "PATCH", path(room), json={"title": "Two"})
        by_sibling = await as_agent(client, other, "PATCH", path(room), json={"title": "Three"})

        assert (by_user.status_code, by_itself.status_code) == (200, 200)
        assert refusal(by_sibling) == (403, "not_room_owner")

    async def test_not_by_others_but_by_admins(
        self, ann: Person, ben: Person, admin: Person
    ) -> None:
        room = await make_room(ann, "ops")
        await call(ben, room, "join")

        by_member = await ben.client.patch(path(room), json={"title": "Mine"})
        deleted = await ben.client.delete(path(room))
        by_admin = await admin.client.patch(path(room), json={"title": "Theirs"})

        assert refusal(by_member) == refusal(deleted) == (403, "not_room_owner")
        assert (by_admin.status_code, by_admin.json()["title"]) == (200, "Theirs")

    @pytest.mark.parametrize(
        "body", [{"name": "other"}, {"title": None}, {"title": ""}, {"visibility": "all"}]
    )
    async def test_refuses_what_is_not_acceptable(
        self, ann: Person, body: dict[str, object]
    ) -> None:
        room = await make_room(ann, "ops")

        assert (await ann.client.patch(path(room), json=body)).status_code == 422


class TestDeleting:
    async def test_keeps_it_readable_and_takes_nothing_new(self, ann: Person, ben: Person) -> None:
        room = await make_room(ann, "secret", visibility="private", members=["ben"])
        await call(ben, room, "join")
        member = (await person_of(ben))["id"]

        gone = await ann.client.delete(path(room))

        assert gone.status_code == 204
        assert (await read(ben, room))["deleted_at"] is not None
        assert await members(ben, room) == {"ann": "owner", "ben": "member"}
        assert await names(ben) == await names(ann, mine=True) == []
        for answer in (
            await ann.client.delete(path(room)),
            await ann.client.patch(path(room), json={"title": "Again"}),
            await call(ann, room, "join"),
            await call(ann, room, "invite", participants=["ben"]),
            await ann.client.delete(path(room, "invite", member)),
            await ann.client.patch(path(room, "members", member), json={"role": "owner"}),
            await ann.client.delete(path(room, "members", member)),
        ):
            assert refusal(answer) == (410, "room_deleted")
        assert (await call(ben, room, "leave")).status_code == 204
        assert (await ben.client.get(path(room))).status_code == 404

    async def test_ends_its_invitations(self, ann: Person, ben: Person) -> None:
        room = await make_room(ann, "secret", visibility="private", members=["ben"])

        await ann.client.delete(path(room))

        assert (await ben.client.get(path(room))).status_code == 404


class TestLimits:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        rooms = RoomSettings(max_members=3, rooms_per_user=2)
        return settings.model_copy(update={"rooms": rooms})

    async def test_rooms_of_one_user(self, ann: Person, ben: Person) -> None:
        scout = await make_agent(ann, "scout")
        first = await make_room(ann, "one")

        answers = await asyncio.gather(
            *(
                ann.client.post(ROOMS, json={"name": f"more-{number}", "agent_id": scout["id"]})
                for number in range(4)
            )
        )
        await make_room(ben, "bens")
        await ann.client.delete(path(first))
        after = await ann.client.post(ROOMS, json={"name": "after"})

        assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
        assert {answer.json().get("code") for answer in answers} == {None, "too_many_rooms"}
        assert after.status_code == 201

    async def test_members_of_one_room_also_when_many_join_at_once(
        self, ann: Person, ben: Person
    ) -> None:
        room = await make_room(ann, "ops")
        agents = [await make_agent(ben, f"agent-{number}") for number in range(5)]

        answers = await asyncio.gather(
            *(call(ben, room, "join", agent_id=agent["id"]) for agent in agents)
        )

        assert sorted(answer.status_code for answer in answers) == [200, 200, 409, 409, 409]
        assert {answer.json().get("code") for answer in answers} == {None, "room_full"}
        assert (await read(ann, room))["members"] == len(await members(ann, room)) == 3


class TestCost:
    async def test_of_a_page_is_the_same_for_many_as_for_one(
        self, ann: Person, statements: list[str]
    ) -> None:
        room = await make_room(ann, "ops")
        counts = []
        for number in range(2):
            for where in (ROOMS, path(room, "members")):
                await ann.client.get(where)
                statements.clear()
                assert (await ann.client.get(where)).status_code == 200
                counts.append(len(statements))
            for each in range(8 * (1 - number)):
                agent = await make_agent(ann, f"agent-{each}")
                await make_room(ann, f"room-{each}", members=[agent["id"]])
                await call(ann, room, "join", agent_id=agent["id"])

        assert counts[:2] == counts[2:]
        assert all(1 <= count <= 6 for count in counts)
