"""What the layers above ask of rooms."""

from typing import Any
from uuid import UUID

from hubbub.agents.types import Actor, Kind
from hubbub.kit.db.counter import Counter
from hubbub.kit.resources import Resources
from hubbub.rooms import queries
from hubbub.rooms.types import MemberRole
from hubbub.users.types import Role, Viewer
from tests.agents.helpers import make_agent, person_of
from tests.fixtures.people import Person
from tests.rooms.helpers import NOBODY, call, make_room, path


async def actor(person: Person, role: Role = Role.MEMBER) -> Actor:
    participant = UUID((await person_of(person))["id"])
    viewer = Viewer(person.id, role)
    return Actor(participant, person.username, Kind.PERSON, person.id, viewer, frozenset())


def agent_actor(agent: dict[str, Any], owner: Person) -> Actor:
    viewer = Viewer(owner.id, Role.MEMBER)
    return Actor(UUID(agent["id"]), agent["name"], Kind.AGENT, owner.id, viewer, frozenset())


def room_id(room: dict[str, Any]) -> UUID:
    return UUID(room["id"])


async def said(hub: Resources, room: dict[str, Any], last_seq: int) -> None:
    async with hub.database.write() as session:
        await session.merge(Counter(id=room_id(room), last_seq=last_seq))


async def test_rooms_are_found_by_those_who_see_them(
    hub: Resources, ann: Person, ben: Person, admin: Person
) -> None:
    room = await make_room(ann, "secret", visibility="private")
    anns, bens, admins = await actor(ann), await actor(ben), await actor(admin, Role.ADMIN)

    async with hub.database.read() as session:
        for viewer, sees in ((anns, True), (bens, False), (admins, True)):
            by_id = await queries.find_room(session, viewer, room_id(room))
            by_name = await queries.find_room_by_name(session, viewer, "SECRET")
            assert (by_id is not None, by_name is not None) == (sees, sees)
        assert await queries.find_room(session, anns, UUID(NOBODY)) is None
        assert await queries.nearest_names(session, anns, "secrt") == ["secret"]
        assert await queries.nearest_names(session, bens, "secrt") == []

    await ann.client.delete(path(room))
    async with hub.database.read() as session:
        found = await queries.find_room_by_name(session, anns, "secret")
        assert found is not None
        assert found.deleted_at is not None
        assert await queries.nearest_names(session, anns, "secrt") == []


async def test_membership_is_that_with_the_most_rights(
    hub: Resources, ann: Person, ben: Person
) -> None:
    scout = await make_agent(ann, "scout")
    room = await make_room(ann, "ops", agent_id=scout["id"])
    await said(hub, room, 7)
    await call(ann, room, "join")
    await call(ann, room, "mute", muted=True)
    anns = await actor(ann)

    async with hub.database.read() as session:
        best = await queries.membership(session, anns, room_id(room))
        own = await queries.membership(session, anns, room_id(room), anns.participant_id)
        none = await queries.membership(session, await actor(ben), room_id(room))
        itself = await queries.membership(session, agent_actor(scout, ann), room_id(room))
        not_its_owner = await queries.membership(
            session, agent_actor(scout, ann), room_id(room), anns.participant_id
        )

    assert best is not None
    assert own is not None
    assert itself is not None
    assert (str(best.participant_id), best.role) == (scout["id"], MemberRole.OWNER)
    assert (best.muted, best.joined_seq) == (False, 0)
    assert (own.role, own.muted, own.joined_seq) == (MemberRole.MEMBER, True, 7)
    assert itself.participant_id == best.participant_id
    assert none is not_its_owner is None


async def test_what_of_a_room_may_be_read(hub: Resources, ann: Person, ben: Person) -> None:
    open_room = await make_room(ann, "open")
    closed = await make_room(ann, "closed", visibility="private", members=["ben"])
    told = await make_room(ann, "told", visibility="private", history="all", members=["ben"])
    await make_room(ann, "invited", visibility="private", members=["ben"])
    await make_room(ann, "others")
    for room in (open_room, closed, told):
        await said(hub, room, 10)
        await call(ben, room, "join")
    scout = await make_agent(ben, "scout")
    await call(ann, closed, "invite", participants=["scout"])
    await said(hub, closed, 20)
    await call(ben, closed, "join", agent_id=scout["id"])
    bens = await actor(ben)

    async def readable(viewer: Actor, only: UUID | None = None) -> dict[UUID, int]:
        async with hub.database.read() as session:
            rows = await session.execute(queries.readable_from(viewer, only))
            return {row.room_id: row.from_seq for row in rows}

    assert await readable(bens) == {
        room_id(open_room): 1,
        room_id(closed): 11,
        room_id(told): 1,
    }
    late = {room_id(closed): 21}
    assert await readable(bens, UUID(scout["id"])) == late
    assert await readable(agent_actor(scout, ben)) == late

    await call(ben, open_room, "leave")
    await ann.client.delete(path(told))
    assert await readable(bens) == {room_id(closed): 11, room_id(told): 1}
