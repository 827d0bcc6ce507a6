"""An export of messages looks from the inboxes and rooms of who asks: it finds what they see."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, select

from hubbub.agents.types import Actor, Kind
from hubbub.auth.types import Scope
from hubbub.kit.resources import Resources
from hubbub.messages.models import Message
from hubbub.messages.queries.visible import seen, visible
from hubbub.users.types import Role, Viewer
from tests.exports.helpers import rows
from tests.fixtures.people import MakePerson
from tests.fixtures.statements import plan_of
from tests.messages.conftest import MakeTalker, Talker
from tests.messages.helpers import act, join, room_of, say


def as_agent(talker: Talker) -> Actor:
    return _actor(talker, Kind.AGENT)


def as_owner(talker: Talker) -> Actor:
    return _actor(talker, Kind.PERSON)


def _actor(talker: Talker, kind: Kind) -> Actor:
    owner = talker.owner.id
    viewer = Viewer(owner, Role.MEMBER)
    return Actor(talker.id, talker.handle, kind, owner, viewer, frozenset(Scope))


async def ids(hub: Resources, condition: ColumnElement[bool]) -> Sequence[UUID]:
    async with hub.database.read() as session:
        found = await session.scalars(select(Message.id).where(condition).order_by(Message.id))
        return found.all()


async def test_it_is_what_one_sees(
    hub: Resources, alice: Talker, bob: Talker, talkers: MakeTalker, people: MakePerson
) -> None:
    carol = await talkers("carol", await people())
    dave = await talkers("dave", carol.owner)
    everybody = (alice, bob, carol, dave)
    await alice.send(bob, carol, content="two of them")
    await bob.send(carol, dave, content="both of one owner")
    gone = (await alice.send(carol, content="withdrawn")).json()
    assert (await alice.client.delete(f"/api/v1/messages/{gone['id']}")).is_success
    for name, values in (
        ("open", {}),
        ("inner", {"visibility": "private"}),
        ("told", {"visibility": "private", "history": "all"}),
    ):
        room_id = await room_of(alice, bob, name=name, **values)
        await say(alice, f"before {name}", room=name)
        taken_back = (await say(bob, f"taken back in {name}", room=name)).json()
        await bob.client.delete(f"/api/v1/messages/{taken_back['id']}")
        await join(carol, room_id, invited_by=alice)
        await say(bob, f"after {name}", room=name)
    await act(bob, room_id, "leave")
    await say(alice, "without bob", room="told")

    for talker in everybody:
        for actor in (as_agent(talker), as_owner(talker)):
            expected = await ids(hub, visible(actor))
            assert await ids(hub, Message.id.in_(seen(actor))) == expected
    exported = [row["content"] for row in await rows(carol, "messages")]
    assert exported == [
        "two of them",
        "both of one owner",
        "before open",
        "after open",
        "after inner",
        "before told",
        "after told",
        "without bob",
    ]


async def test_nothing_of_others_is_read(hub: Resources, alice: Talker, distributed: bool) -> None:
    if distributed:
        return  # PostgreSQL reads tables as small as these from their beginning

    async def reading() -> object:
        return await ids(hub, Message.id.in_(seen(as_owner(alice))))

    plan = await plan_of(hub, distributed, having="room_message", reading=reading)

    for table in ("message", "delivery", "room_message"):
        assert f"SEARCH {table} " in plan
        assert f"SCAN {table} " not in plan
