"""Claims: one winner, a lease, and a number without which nobody does anything."""

import asyncio
from collections import Counter

import pytest
from sqlalchemy import func, select

from hubbub.agents.models import Agent
from hubbub.agents.types import Actor, Kind
from hubbub.auth.types import Scope
from hubbub.items.errors import NothingReady
from hubbub.items.models import Item, ItemChange, ItemDependency
from hubbub.items.schemas import ClaimNext, Finish
from hubbub.items.service.claims import claim_next, complete
from hubbub.items.types import Act, Status
from hubbub.kit.ids import new_id
from hubbub.kit.resources import Resources
from hubbub.users.types import Role, Viewer
from tests.fixtures.people import Person
from tests.fixtures.waiting import eventually
from tests.items.helpers import (
    ITEMS,
    NOBODY,
    acts,
    done,
    let_lapse,
    make,
    path,
    post,
    read,
    refusal,
    rows_like,
    titles,
)
from tests.messages.conftest import MakeTalker, Talker
from tests.messages.helpers import act, heard, history, room_of, texts
from tests.rooms.helpers import notified


class TestClaiming:
    async def test_the_holder_gets_a_lease_and_a_number(self, ann: Person, bob: Talker) -> None:
        item = await make(ann)

        claimed = await done(bob, item, "claim", lease_seconds=60)

        assert (claimed["status"], claimed["holder"]["name"]) == ("claimed", "bob")
        assert claimed["fence"] == 1
        assert claimed["lease_until"] > claimed["claimed_at"]
        # the number is the holder's, and the holder's owner's
        assert (await read(bob, item))["fence"] == (await read(bob.owner, item))["fence"] == 1
        assert (await read(ann, item))["fence"] is None
        again = await post(bob, item, "claim")
        assert refusal(again) == (409, "item_claimed")
        assert again.json()["lease_until"]

    async def test_an_owner_claims_for_an_agent_and_nobody_for_anothers(
        self, ann: Person, alice: Talker, bob: Talker
    ) -> None:
        item = await make(ann)
        refused = await post(alice.owner, item, "claim", agent_id=str(bob.id))

        claimed = await done(alice.owner, item, "claim", agent_id=str(alice.id))

        assert refusal(refused) == (403, "not_your_participant")
        assert claimed["holder"]["name"] == "alice"
        await done(alice, item, "complete", fence=claimed["fence"])

    async def test_64_at_once_one_winner(self, ann: Person, talkers: MakeTalker) -> None:
        item = await make(ann)
        workers = await asyncio.gather(*(talkers(f"worker-{n}") for n in range(64)))

        answers = await asyncio.gather(*(post(each, item, "claim") for each in workers))

        assert Counter(each.status_code for each in answers) == {200: 1, 409: 63}
        assert {refusal(each) for each in answers if each.status_code == 409} == {
            (409, "item_claimed")
        }
        [winner] = [each.json() for each in answers if each.status_code == 200]
        assert (await read(ann, item))["holder"] == winner["holder"]
        assert [what for what, _ in await acts(ann, item)] == ["created", "claimed"]

    @pytest.mark.parametrize(
        "body",
        [{"lease_seconds": 0}, {"lease_seconds": 604801}, {"lease_seconds": None}, {"fence": 1}],
    )
    async def test_refuses_what_is_not_acceptable(
        self, ann: Person, body: dict[str, object]
    ) -> None:
        item = await make(ann)

        assert (await post(ann, item, "claim", **body)).status_code == 422

    async def test_observers_do_no_work(self, alice: Talker, bob: Talker) -> None:
        room_id = await room_of(alice, bob)
        item = await make(alice, room_id=room_id)
        role = f"/api/v1/rooms/{room_id}/members/{bob.id}"
        await alice.client.patch(role, json={"role": "observer"})

        assert refusal(await post(bob, item, "claim")) == (403, "only_listens")
        assert await titles(bob, ready=True) == []


class TestNext:
    async def test_the_most_urgent_then_the_oldest(
        self, ann: Person, alice: Talker, bob: Talker
    ) -> None:
        for title, priority in (("low", "low"), ("old", "high"), ("young", "high")):
            await make(ann, title, priority=priority, labels=["x"])
        await make(ann, "for alice", priority="urgent", assignee="alice")

        async def next_of(who: Talker, **body: object) -> str:
            answer = await who.client.post(f"{ITEMS}/claim", json=body or None)
            if not answer.is_success:
                return str(answer.json()["code"])
            return str(answer.json()["title"])

        assert await titles(bob, ready=True, limit=2) == ["old", "young"]
        assert await titles(alice, ready=True) == ["for alice", "old", "young", "low"]
        assert [await next_of(bob) for _ in range(2)] == ["old", "young"]
        assert await next_of(alice, label="X") == "low"
        assert await next_of(alice, room_id=NOBODY) == "nothing_ready"
        assert await next_of(alice) == "for alice"
        assert await next_of(alice) == await next_of(bob) == "nothing_ready"
        refused = await bob.client.post(f"{ITEMS}/claim", json={"agent_id": str(alice.id)})
        assert refusal(refused) == (403, "not_your_participant")

    async def test_64_agents_drain_1000_items_each_done_once(
        self, hub: Resources, ann: Person
    ) -> None:
        """Half of them wait for the other half."""
        workers = [_worker(ann, number) for number in range(64)]
        model = await make(ann)
        await ann.client.delete(path(model))
        first, second = rows_like(model, 500), rows_like(model, 500, waiting_for=1)
        async with hub.database.write() as session:
            session.add_all(_agent(each) for each in workers)
            await session.flush()
            session.add_all(first + second)
            await session.flush()
            session.add_all(
                ItemDependency(item_id=after.id, needs_id=before.id)
                for before, after in zip(first, second, strict=True)
            )
        finished: list[str] = []

        async def work(worker: Actor) -> None:
            while True:
                try:
                    async with hub.database.write() as session:
                        item = await claim_next(session, worker, ClaimNext())
                except NothingReady:
                    if len(finished) == 1000:
                        return
                    await asyncio.sleep(0.02)
                    continue
                assert item.fence is not None
                async with hub.database.write() as session:
                    await complete(session, worker, item.id, Finish(fence=item.fence))
                finished.append(str(item.id))

        async with asyncio.timeout(240):
            await asyncio.gather(*map(work, workers))

        assert len(finished) == len(set(finished)) == 1000
        async with hub.database.read() as reading:
            states = select(Item.status, Item.waiting_for, Item.fence, func.count())
            rows = await reading.execute(states.group_by(Item.status, Item.waiting_for, Item.fence))
            assert [tuple(row) for row in rows] == [(Status.DONE, 0, 1, 1000)]
            claims = select(func.count()).where(ItemChange.act == Act.CLAIMED)
            assert await reading.scalar(claims) == 1000


def _worker(owner: Person, number: int) -> Actor:
    viewer = Viewer(owner.id, Role.MEMBER)
    scopes = frozenset({Scope.READ, Scope.WRITE})
    return Actor(new_id(), f"worker-{number}", Kind.AGENT, owner.id, viewer, scopes)


def _agent(actor: Actor) -> Agent:
    return Agent(
        id=actor.participant_id,
        kind=Kind.AGENT,
        handle=actor.handle,
        display_name=actor.handle,
        display_key=actor.handle,
        owner_id=actor.owner_id,
    )


class TestHolding:
    async def test_extending_releasing_and_what_became_of_it(
        self, ann: Person, bob: Talker
    ) -> None:
        item = await make(ann)
        claimed = await done(bob, item, "claim", lease_seconds=10)

        extended = await done(bob, item, "extend", fence=1, lease_seconds=1000)
        released = await done(bob, item, "release", fence=1, note="too hard")
        fence = (await done(bob, item, "claim"))["fence"]
        finished = await done(bob, item, "complete", fence=fence, result="It works.")

        assert extended["lease_until"] > claimed["lease_until"]
        assert (released["status"], released["holder"], released["fence"]) == ("open", None, None)
        assert (finished["status"], finished["result"]) == ("done", "It works.")
        assert (finished["holder"]["name"], finished["lease_until"]) == ("bob", None)
        assert await acts(ann, item) == [
            ("created", "ann"),
            ("claimed", "bob"),
            ("extended", "bob"),
            ("released", "bob"),
            ("claimed", "bob"),
            ("completed", "bob"),
        ]
        entries = (await ann.client.get(path(item, "history"))).json()["items"]
        assert entries[3]["details"] == {"note": "too hard"}

    async def test_failing(self, ann: Person, bob: Talker) -> None:
        item = await make(ann)
        await done(bob, item, "claim")

        failed = await done(bob, item, "fail", fence=1, result="no key")

        assert (failed["status"], failed["result"]) == ("failed", "no key")
        assert refusal(await post(bob, item, "claim")) == (409, "item_finished")

    async def test_only_the_holder_and_only_with_the_number(
        self, ann: Person, alice: Talker, bob: Talker
    ) -> None:
        item = await make(ann)
        await done(bob, item, "claim")

        for what, more in (
            ("extend", {}),
            ("release", {}),
            ("complete", {}),
            ("fail", {}),
            ("handover", {"to": "alice"}),
        ):
            for other in (ann, alice):
                answer = await post(other, item, what, fence=1, **more)
                assert refusal(answer) == (403, "not_your_claim"), what
            for fence in (2, 2**63 - 1):
                answer = await post(bob, item, what, fence=fence, **more)
                assert refusal(answer) == (409, "claim_lost"), what
            for wrong in ({}, {"fence": 0}, {"fence": 2**63}, {"fence": None}):
                assert (await post(bob, item, what, **more, **wrong)).status_code == 422, what
            unknown = {"id": NOBODY}
            answer = await post(bob, unknown, what, fence=1, **more)
            assert refusal(answer) == (404, "item_not_found"), what
        assert (await read(ann, item))["status"] == "claimed"

    async def test_handing_over_to_another_who_alone_can_claim_it(
        self, ann: Person, alice: Talker, bob: Talker
    ) -> None:
        item = await make(ann, "Paint")
        await done(alice, item, "claim")

        unknown = await post(alice, item, "handover", fence=1, to="nobody")
        handed = await done(alice, item, "handover", fence=1, to="bob", note="yours")

        assert refusal(unknown) == (404, "agent_not_found")
        assert (handed["status"], handed["assignee"]["name"]) == ("open", "bob")
        assert refusal(await post(alice, item, "complete", fence=1)) == (409, "claim_lost")
        assert refusal(await post(alice, item, "claim")) == (403, "reserved_for_another")
        await eventually(lambda: heard(bob))
        assert await heard(bob) == ["A work item is meant for you: Paint"]
        claimed = await done(bob, item, "claim")
        await done(bob, item, "complete", fence=claimed["fence"])
        assert await acts(ann, item) == [
            ("created", "ann"),
            ("claimed", "alice"),
            ("handed_over", "alice"),
            ("claimed", "bob"),
            ("completed", "bob"),
        ]

    async def test_in_a_room_it_is_handed_to_members_alone(
        self, alice: Talker, bob: Talker
    ) -> None:
        item = await make(alice, room_id=await room_of(alice, visibility="private"))
        assert bob.handle == "bob"
        await done(alice, item, "claim")

        answer = await post(alice, item, "handover", fence=1, to="bob")

        assert refusal(answer) == (409, "assignee_not_in_room")
        assert (await read(alice, item))["holder"]["name"] == "alice"


class TestLapsing:
    @pytest.mark.parametrize("what", ["extend", "release", "complete", "fail", "handover"])
    async def test_whatever_the_old_holder_does_after_it_is_refused(
        self, hub: Resources, ann: Person, bob: Talker, what: str
    ) -> None:
        item = await make(ann)
        await done(bob, item, "claim")
        await let_lapse(hub, item)
        more = {"to": "ann"} if what == "handover" else {}

        at_once = await post(bob, item, what, fence=1, **more)
        claimed = await done(ann, item, "claim")
        later = await post(bob, item, what, fence=1, **more)

        assert refusal(at_once) == refusal(later) == (409, "claim_lost")
        assert (await read(ann, item))["fence"] == claimed["fence"] > 1

    async def test_it_is_told_once_to_the_room_and_both_owners(
        self, hub: Resources, alice: Talker, bob: Talker
    ) -> None:
        room_id = await room_of(alice, bob)
        item = await make(alice, "Paint", room_id=room_id)
        await done(bob, item, "claim")
        await let_lapse(hub, item)

        await eventually(lambda: notified(alice.owner, "items.lapsed"))

        async def said() -> bool:
            return len((await history(bob, room_id))["items"]) > 0

        await eventually(said)
        assert texts(await history(bob, room_id)) == [
            "The claim of bob has lapsed, the item is open again: Paint"
        ]
        for owner in (alice.owner, bob.owner):
            assert len(await notified(owner, "items.lapsed")) == 1
        assert await acts(alice, item) == [
            ("created", "alice"),
            ("claimed", "bob"),
            ("lapsed", None),
        ]
        opened = await read(alice, item)
        assert (opened["status"], opened["holder"], opened["lease_until"]) == ("open", None, None)

    async def test_who_takes_it_first_says_so(
        self, hub: Resources, alice: Talker, bob: Talker
    ) -> None:
        """The claim comes before the hub has looked, or after: it is told once in any case."""
        items = [await make(alice, str(number)) for number in range(5)]
        for item in items:
            await done(bob, item, "claim")
        for item in items:
            await let_lapse(hub, item)
            await done(alice, item, "claim")

        for item in items:
            assert [what for what, _ in await acts(alice, item)] == [
                *("created", "claimed", "lapsed", "claimed"),
            ]
        assert len(await notified(bob.owner, "items.lapsed")) == 5

    async def test_who_only_listens_is_not_spoken_for(
        self, hub: Resources, alice: Talker, bob: Talker, talkers: MakeTalker
    ) -> None:
        carol = await talkers("carol")
        room_id = await room_of(alice, bob, carol)
        item = await make(carol, "Paint", room_id=room_id)
        await done(bob, item, "claim")
        role = f"/api/v1/rooms/{room_id}/members/{carol.id}"
        assert (await alice.client.patch(role, json={"role": "observer"})).is_success
        await let_lapse(hub, item)

        async def said() -> bool:
            return len((await history(carol, room_id))["items"]) > 0

        await eventually(said)
        [entry] = (await history(carol, room_id))["items"]
        assert entry["message"]["from_name"] == "bob"

    async def test_who_left_the_room_is_not_spoken_for(
        self, hub: Resources, alice: Talker, bob: Talker, talkers: MakeTalker
    ) -> None:
        carol = await talkers("carol")
        room_id = await room_of(alice, bob, carol)
        item = await make(alice, "Paint", room_id=room_id)
        await done(bob, item, "claim")
        await act(alice, room_id, "leave")
        await let_lapse(hub, item)

        async def said() -> bool:
            return len((await history(carol, room_id))["items"]) > 0

        await eventually(said)
        [entry] = (await history(carol, room_id))["items"]
        assert entry["message"]["from_name"] == "bob"
