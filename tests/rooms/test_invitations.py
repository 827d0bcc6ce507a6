import httpx2
import pytest

from tests.agents.helpers import as_agent, make_agent, person_of
from tests.agents.helpers import path as agent_path
from tests.fixtures.people import Person
from tests.fixtures.waiting import eventually
from tests.rooms.helpers import (
    NOBODY,
    call,
    make_room,
    members,
    names,
    notified,
    path,
    read,
    refusal,
)


class TestInviting:
    async def test_tells_the_owner_of_the_invited(self, ann: Person, ben: Person) -> None:
        scout = await make_agent(ben, "scout")
        room = await make_room(ann, "secret", visibility="private")

        answer = await call(ann, room, "invite", participants=["Scout", scout["id"]])

        assert answer.status_code == 200
        assert answer.json() == {"invited": [scout["id"]], "joined": []}
        await eventually(lambda: notified(ben, "rooms.invited"))
        assert await notified(ben, "rooms.invited") == ["scout is invited to the room secret"]
        assert await members(ann, room) == {"ann": "owner"}

    async def test_ones_own_agents_brings_them_in(
        self, client: httpx2.AsyncClient, ann: Person
    ) -> None:
        scout, other = await make_agent(ann, "scout"), await make_agent(ann, "other")
        room = await make_room(ann, "secret", visibility="private", agent_id=scout["id"])

        by_agent = await as_agent(
            client, scout, "POST", path(room, "invite"), json={"participants": ["other"]}
        )
        by_user = await call(ann, room, "invite", participants=["other", "scout"])

        assert by_agent.json() == {"invited": [other["id"]], "joined": []}
        assert by_user.json() == {"invited": [], "joined": [other["id"]]}
        assert await members(ann, room) == {"scout": "owner", "other": "member"}

    async def test_again_tells_nobody_twice(self, ann: Person, ben: Person, cleo: Person) -> None:
        room = await make_room(ann, "ops")
        person = await person_of(ben)

        first = await call(ann, room, "invite", participants=["ben"])
        again = await call(ann, room, "invite", participants=["ben", "cleo"])
        await eventually(lambda: notified(cleo, "rooms.invited"))
        await eventually(lambda: notified(ben, "rooms.invited"))

        assert first.json()["invited"] == [person["id"]]
        assert again.json()["invited"][0] == person["id"]
        assert len(await notified(ben, "rooms.invited")) == 1

    async def test_whom_may_who(self, ann: Person, ben: Person, cleo: Person) -> None:
        room = await make_room(ann, "ops")
        outsider = await call(ben, room, "invite", participants=["cleo"])
        await call(ben, room, "join")
        member = await call(ben, room, "invite", participants=["cleo"])
        person = await person_of(ben)
        await ann.client.patch(path(room, "members", person["id"]), json={"role": "observer"})
        observer = await call(ben, room, "invite", participants=["cleo"])
        await ann.client.patch(path(room, "members", person["id"]), json={"role": "member"})
        await ann.client.patch(path(room), json={"visibility": "private"})
        in_private = await call(ben, room, "invite", participants=["cleo"])
        owner = await call(ann, room, "invite", participants=["cleo"])

        for refused in (outsider, observer, in_private):
            assert refusal(refused) == (403, "may_not_invite")
        assert member.status_code == owner.status_code == 200
        assert (await read(cleo, room))["invited"] is True

    async def test_as_an_agent_of_ones_own(self, ann: Person, ben: Person) -> None:
        scout = await make_agent(ann, "scout")
        room = await make_room(ann, "ops")
        theirs = await make_agent(ben, "theirs")

        outside = await call(ann, room, "invite", participants=["ben"], agent_id=scout["id"])
        foreign = await call(ann, room, "invite", participants=["ben"], agent_id=theirs["id"])
        await call(ann, room, "join", agent_id=scout["id"])
        inside = await call(ann, room, "invite", participants=["ben"], agent_id=scout["id"])

        assert refusal(outside) == (403, "may_not_invite")
        assert refusal(foreign) == (403, "not_your_participant")
        assert inside.status_code == 200

    async def test_somebody_unknown_invites_nobody(self, ann: Person, ben: Person) -> None:
        room = await make_room(ann, "secret", visibility="private")
        await person_of(ben)

        mistyped = await call(ann, room, "invite", participants=["ben", "bne"])

        assert refusal(mistyped) == (404, "agent_not_found")
        assert mistyped.json()["did_you_mean"] == ["ben"]
        assert (await ben.client.get(path(room))).status_code == 404

    @pytest.mark.parametrize(
        "body", [{}, {"participants": []}, {"participants": [""]}, {"participants": ["a"] * 101}]
    )
    async def test_refuses_what_is_not_acceptable(
        self, ann: Person, body: dict[str, object]
    ) -> None:
        room = await make_room(ann, "ops")

        assert (await ann.client.post(path(room, "invite"), json=body)).status_code == 422


class TestBlocks:
    async def test_nobody_is_told_of_anything(self, ann: Person, ben: Person, cleo: Person) -> None:
        scout = await make_agent(ben, "scout")
        person = await person_of(cleo)
        await ben.client.post(agent_path(scout, "blocks"), json={"other": "ann"})
        room = await make_room(ann, "secret", visibility="private")

        blocked = await call(ann, room, "invite", participants=["scout", "cleo"])
        await eventually(lambda: notified(cleo, "rooms.invited"))

        # the inviter is answered as if there were no block
        assert blocked.json() == {"invited": [scout["id"], person["id"]], "joined": []}
        # and the invited knows nothing
        assert await notified(ben, "rooms.invited") == []
        assert await names(ben) == []
        for answer in (
            await call(ben, room, "join", agent_id=scout["id"]),
            await ben.client.delete(path(room, "invite", scout["id"])),
        ):
            assert refusal(answer) == (404, "room_not_found")

        # also where the room can be seen
        await ann.client.patch(path(room), json={"visibility": "public"})
        assert (await read(ben, room, agent_id=scout["id"]))["invited"] is False
        declined = await ben.client.delete(path(room, "invite", scout["id"]))
        assert refusal(declined) == (404, "invite_not_found")
        withdrawn = await ann.client.delete(path(room, "invite", scout["id"]))
        assert withdrawn.status_code == 204

    async def test_somebody_else_may_still_invite(
        self, ann: Person, ben: Person, cleo: Person
    ) -> None:
        person = await person_of(ben)
        room = await make_room(ann, "secret", visibility="private", members=["cleo"])
        await call(cleo, room, "join")
        cleos = await person_of(cleo)
        await ann.client.patch(path(room, "members", cleos["id"]), json={"role": "owner"})
        await ben.client.post(agent_path(person, "blocks"), json={"other": "ann"})

        await call(ann, room, "invite", participants=["ben"])
        unheard = await names(ben)
        await call(cleo, room, "invite", participants=["ben"])
        await call(ann, room, "invite", participants=["ben"])

        assert unheard == []
        assert (await read(ben, room))["invited"] is True
        await eventually(lambda: notified(ben, "rooms.invited"))
        assert (await call(ben, room, "join")).status_code == 200


class TestWithdrawing:
    async def test_by_owner_inviter_or_invited_and_nobody_else(
        self, ann: Person, ben: Person, cleo: Person
    ) -> None:
        scout = await make_agent(cleo, "scout")
        room = await make_room(ann, "ops")
        await call(ben, room, "join")
        invitation = path(room, "invite", scout["id"])
        invited = {"participants": ["scout"]}

        for inviter, remover in ((ben, ann), (ben, ben), (ben, cleo), (ann, cleo)):
            await inviter.client.post(path(room, "invite"), json=invited)
            assert (await remover.client.delete(invitation)).status_code == 204
            assert (await read(cleo, room, agent_id=scout["id"]))["invited"] is False
        await ann.client.post(path(room, "invite"), json=invited)

        assert refusal(await ben.client.delete(invitation)) == (403, "not_room_owner")
        assert (await ann.client.delete(invitation)).status_code == 204
        assert refusal(await ann.client.delete(invitation)) == (404, "invite_not_found")
        assert refusal(await cleo.client.delete(invitation)) == (404, "invite_not_found")
        assert refusal(await ben.client.delete(invitation)) == (403, "not_room_owner")

    async def test_keeps_out_of_a_private_room(self, ann: Person, ben: Person) -> None:
        person = await person_of(ben)
        room = await make_room(ann, "secret", visibility="private", members=["ben"])

        await ann.client.delete(path(room, "invite", person["id"]))

        assert refusal(await call(ben, room, "join")) == (404, "room_not_found")
        unknown = await ann.client.delete(path({"id": NOBODY}, "invite", person["id"]))
        assert refusal(unknown) == (404, "room_not_found")
