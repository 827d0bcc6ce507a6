import asyncio

import httpx2
import orjson
import pytest
from sqlalchemy import select

from hubbub.activity.models import Activity
from hubbub.kit.resources import Resources
from tests.agents.helpers import as_agent, make_agent, person_of
from tests.agents.helpers import path as agent_path
from tests.fixtures.people import Person
from tests.fixtures.waiting import eventually
from tests.rooms.helpers import NOBODY, call, make_room, members, path, read, refusal


class TestJoining:
    async def test_a_public_room(self, ann: Person, ben: Person) -> None:
        room = await make_room(ann, "ops")

        joined = await ben.client.post(path(room, "join"))
        again = await call(ben, room, "join")

        assert (joined.status_code, joined.json()["role"]) == (200, "member")
        assert joined.json()["members"] == 2
        assert again.json() == joined.json()
        assert await members(ann, room) == {"ann": "owner", "ben": "member"}

    async def test_by_an_agent_or_for_it(
        self, client: httpx2.AsyncClient, ann: Person, ben: Person
    ) -> None:
        scout, other = await make_agent(ben, "scout"), await make_agent(ben, "other")
        room = await make_room(ann, "ops")

        by_itself = await as_agent(client, scout, "POST", path(room, "join"))
        for_it = await call(ben, room, "join", agent_id=other["id"])
        stranger = await call(ann, room, "join", agent_id=other["id"])
        sibling = await as_agent(
            client, scout, "POST", path(room, "join"), json={"agent_id": other["id"]}
        )

        assert by_itself.json()["role"] == for_it.json()["role"] == "member"
        assert refusal(stranger) == refusal(sibling) == (403, "not_your_participant")
        assert list(await members(ann, room)) == ["ann", "scout", "other"]

    async def test_many_times_at_once_is_once(self, ann: Person, ben: Person) -> None:
        room = await make_room(ann, "ops")
        agents = [await make_agent(ben, f"agent-{number}") for number in range(4)]

        answers = await asyncio.gather(
            *(call(ben, room, "join", agent_id=agent["id"]) for agent in agents * 4)
        )

        assert {answer.status_code for answer in answers} == {200}
        assert (await read(ann, room))["members"] == len(await members(ann, room)) == 5

    async def test_a_private_one_takes_the_invitation_of_that_very_participant(
        self, ann: Person, ben: Person
    ) -> None:
        scout, other = await make_agent(ben, "scout"), await make_agent(ben, "other")
        room = await make_room(ann, "secret", visibility="private", members=["scout"])

        uninvited = await call(ben, room, "join", agent_id=other["id"])
        joined = await call(ben, room, "join", agent_id=scout["id"])

        assert refusal(uninvited) == (403, "not_invited")
        assert (joined.status_code, joined.json()["invited"]) == (200, False)
        await call(ben, room, "leave", agent_id=scout["id"])
        assert (await call(ben, room, "join", agent_id=scout["id"])).status_code == 404

    async def test_what_is_not_there_or_not_acceptable(self, ann: Person) -> None:
        room = await make_room(ann, "ops")
        nowhere = {"id": NOBODY}

        assert refusal(await call(ann, nowhere, "join")) == (404, "room_not_found")
        assert (await call(ann, room, "join", agent_id="ann")).status_code == 422
        assert (await call(ann, room, "join", role="owner")).status_code == 422


class TestLeaving:
    async def test_takes_one_out(self, ann: Person, ben: Person) -> None:
        room = await make_room(ann, "ops")
        await call(ben, room, "join")

        left = await ben.client.post(path(room, "leave"))
        again = await call(ben, room, "leave")

        assert left.status_code == 204
        assert refusal(again) == (409, "not_a_member")
        assert (await read(ben, room))["members"] == 1
        assert await members(ann, room) == {"ann": "owner"}

    async def test_the_longest_standing_member_follows_the_last_owner(
        self, ann: Person, ben: Person, cleo: Person
    ) -> None:
        room = await make_room(ann, "ops")
        watcher = await make_agent(ben, "watcher")
        await call(ben, room, "join", agent_id=watcher["id"])
        await ann.client.patch(path(room, "members", watcher["id"]), json={"role": "observer"})
        await call(cleo, room, "join")
        await call(ben, room, "join")

        await call(ann, room, "leave")
        followed = await members(ben, room)
        await call(cleo, room, "leave")
        await call(ben, room, "leave")

        assert followed == {"watcher": "observer", "cleo": "owner", "ben": "member"}
        assert await members(ben, room) == {"watcher": "owner"}

    async def test_another_owner_is_enough(self, ann: Person, ben: Person, cleo: Person) -> None:
        room = await make_room(ann, "ops")
        await call(cleo, room, "join")
        await call(ben, room, "join")
        person = await person_of(ben)
        await ann.client.patch(path(room, "members", person["id"]), json={"role": "owner"})

        await call(ann, room, "leave")

        assert await members(ben, room) == {"cleo": "member", "ben": "owner"}

    async def test_all_owners_at_once_leave_one_behind_who_owns_it(
        self, ann: Person, ben: Person
    ) -> None:
        room = await make_room(ann, "ops")
        agents = [await make_agent(ben, f"agent-{number}") for number in range(5)]
        for agent in agents:
            await call(ben, room, "join", agent_id=agent["id"])
            await ann.client.patch(path(room, "members", agent["id"]), json={"role": "owner"})
        last = agents.pop()
        await ann.client.patch(path(room, "members", last["id"]), json={"role": "observer"})

        answers = await asyncio.gather(
            call(ann, room, "leave"),
            *(call(ben, room, "leave", agent_id=agent["id"]) for agent in agents),
        )

        assert {answer.status_code for answer in answers} == {204}
        assert await members(ann, room) == {last["name"]: "owner"}
        assert (await read(ann, room))["members"] == 1

    async def test_the_last_one_ends_the_room(self, ann: Person) -> None:
        room = await make_room(ann, "ops")

        assert (await call(ann, room, "leave")).status_code == 204

        ended = await read(ann, room)
        assert (ended["members"], ended["deleted_at"] is None) == (0, False)
        assert refusal(await call(ann, room, "join")) == (410, "room_deleted")

    async def test_only_for_ones_own(self, ann: Person, ben: Person) -> None:
        room = await make_room(ann, "ops")
        person = await person_of(ann)

        answer = await call(ben, room, "leave", agent_id=person["id"])

        assert refusal(answer) == (403, "not_your_participant")
        assert refusal(await call(ben, {"id": NOBODY}, "leave")) == (404, "room_not_found")


class TestMuting:
    async def test_is_for_one_participant(self, ann: Person) -> None:
        scout = await make_agent(ann, "scout")
        room = await make_room(ann, "ops", members=["scout"])

        muted = await call(ann, room, "mute", muted=True, agent_id=scout["id"])

        assert (muted.status_code, muted.json()["muted"]) == (200, True)
        assert (await read(ann, room))["muted"] is False
        await call(ann, room, "mute", muted=False, agent_id=scout["id"])
        assert (await read(ann, room, agent_id=scout["id"]))["muted"] is False

    async def test_takes_a_member_and_an_answer(self, ann: Person, ben: Person) -> None:
        room = await make_room(ann, "ops")
        person = await person_of(ann)

        assert refusal(await call(ben, room, "mute", muted=True)) == (409, "not_a_member")
        assert (await call(ann, room, "mute")).status_code == 422
        theirs = await call(ben, room, "mute", muted=True, agent_id=person["id"])
        assert refusal(theirs) == (403, "not_your_participant")


class TestDeletedParticipants:
    async def test_an_agent_is_in_no_room_any_more(self, ann: Person, ben: Person) -> None:
        scout = await make_agent(ann, "scout")
        owned = await make_room(ann, "owned", agent_id=scout["id"])
        alone = await make_room(ann, "alone", agent_id=scout["id"])
        joined = await make_room(ben, "joined")
        await call(ben, owned, "join")
        await call(ann, joined, "join", agent_id=scout["id"])

        assert (await ann.client.delete(agent_path(scout))).status_code == 204
        assert "scout" not in await members(ben, joined)

        async def settled() -> bool:
            rooms = [await read(ben, room) for room in (owned, joined, alone)]
            return [room["members"] for room in rooms] == [1, 1, 0]

        await eventually(settled)
        assert await members(ben, owned) == {"ben": "owner"}
        assert (await read(ben, alone))["deleted_at"] is not None
        assert (await read(ben, joined))["deleted_at"] is None

    async def test_nor_is_a_user(self, ann: Person, ben: Person, admin: Person) -> None:
        room = await make_room(ann, "ops")
        await call(ben, room, "join")

        assert (await admin.client.delete(ann.path)).status_code == 204

        async def followed() -> bool:
            return await members(ben, room) == {"ben": "owner"}

        await eventually(followed)

    async def test_joining_while_being_deleted_leaves_nobody_behind(
        self, ann: Person, ben: Person
    ) -> None:
        room = await make_room(ben, "ops")
        agents = [await make_agent(ann, f"agent-{number}") for number in range(6)]

        answers = await asyncio.gather(
            *(
                act
                for agent in agents
                for act in (
                    call(ann, room, "join", agent_id=agent["id"]),
                    ann.client.delete(agent_path(agent)),
                )
            )
        )

        assert {answer.status_code for answer in answers} <= {200, 204, 403}

        async def alone() -> bool:
            return int((await read(ben, room))["members"]) == 1

        await eventually(alone)


async def test_what_was_done_is_written_down(hub: Resources, ann: Person, ben: Person) -> None:
    room = await make_room(ann, "ops", members=["ben"])
    person = await person_of(ben)
    await call(ben, room, "join")
    await ann.client.patch(path(room), json={"title": "Operations"})
    await ann.client.patch(path(room, "members", person["id"]), json={"role": "observer"})
    await ann.client.delete(path(room, "members", person["id"]))
    await ann.client.delete(path(room))

    async with hub.database.read() as session:
        statement = select(Activity).where(Activity.target_kind == "room").order_by(Activity.id)
        records = (await session.scalars(statement)).all()

    # those of one act in no order
    assert sorted(record.action for record in records) == [
        "room.created",
        "room.deleted",
        "room.invited",
        "room.joined",
        "room.joined",
        "room.member_removed",
        "room.role_changed",
        "room.updated",
    ]
    by = {record.action: record for record in records}
    assert by["room.member_removed"].actor_id == ann.id
    assert by["room.member_removed"].details == {"participant": person["id"]}
    assert by["room.role_changed"].details["role"] == "observer"


async def test_whoever_listens_hears_of_it_once_it_is_committed(
    hub: Resources, ann: Person, ben: Person
) -> None:
    heard: list[tuple[str, dict[str, str]]] = []

    def listen(what: str) -> None:
        hub.database.hear(f"room.{what}", lambda text: heard.append((what, orjson.loads(text))))

    for what in ("joined", "left", "changed", "deleted", "invited"):
        listen(what)
    anns, bens = (await person_of(ann))["id"], (await person_of(ben))["id"]

    room = await make_room(ann, "ops", members=["ben"])
    await call(ben, room, "join")
    await call(ben, room, "join")
    await ann.client.patch(path(room), json={"title": "Operations"})
    await ann.client.patch(path(room, "members", bens), json={"role": "owner"})
    await call(ann, room, "leave")
    await ben.client.delete(path(room))
    await call(ben, room, "join")

    this = {"room_id": room["id"]}
    assert heard == [
        ("joined", this | {"participant_id": anns}),
        ("invited", this | {"participant_id": bens}),
        ("joined", this | {"participant_id": bens}),
        ("changed", this),
        ("changed", this),
        ("left", this | {"participant_id": anns}),
        ("deleted", this),
    ]


@pytest.mark.parametrize("what", ["join", "leave"])
async def test_nothing_but_an_object_is_a_body(ann: Person, what: str) -> None:
    room = await make_room(ann, "ops")

    assert (await ann.client.post(path(room, what), json=[1])).status_code == 422
