"""What must be done before: no claim too early, no cycle, whatever comes at once."""

import asyncio
import itertools
from uuid import UUID

import httpx2

from hubbub.items.models import ItemDependency
from hubbub.kit.resources import Resources
from tests.fixtures.people import Person
from tests.items.helpers import (
    NOBODY,
    Made,
    Somebody,
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
from tests.messages.conftest import Talker


async def wait_for(who: Somebody, item: Made, needed: Made) -> httpx2.Response:
    body = {"item_id": needed["id"]}
    return await who.client.post(path(item, "dependencies"), json=body)


async def related(who: Somebody, item: Made) -> dict[str, list[str]]:
    answer = await who.client.get(path(item, "dependencies"))
    assert answer.status_code == 200, answer.text
    return {name: [each["title"] for each in found] for name, found in answer.json().items()}


async def finish(who: Somebody, item: Made, what: str = "complete") -> None:
    claimed = await done(who, item, "claim")
    await done(who, item, what, fence=claimed["fence"])


async def test_it_cannot_be_claimed_before_what_it_waits_for_is_done(
    ann: Person, bob: Talker
) -> None:
    one, two = await make(ann, "one"), await make(ann, "two")
    last = await make(ann, "last", needs=[one["id"], two["id"], one["id"]])

    assert last["waiting_for"] == 2
    assert await related(bob, last) == {"needs": ["one", "two"], "needed_by": []}
    assert await related(bob, one) == {"needs": [], "needed_by": ["last"]}
    assert await titles(bob, ready=True) == ["one", "two"]
    await finish(bob, one)
    refused = await post(bob, last, "claim")
    await finish(bob, two)

    assert refusal(refused) == (409, "item_waiting")
    assert refused.json()["waiting_for"] == 1
    assert await titles(bob, ready=True) == ["last"]
    await finish(bob, last)


async def test_what_failed_or_was_cancelled_is_not_done(ann: Person, bob: Talker) -> None:
    needed = await make(ann, "needed")
    last = await make(ann, "last", needs=[needed["id"]])

    await finish(bob, needed, "fail")
    after_failing = refusal(await post(bob, last, "claim"))
    await ann.client.patch(path(needed), json={"status": "open"})
    await ann.client.patch(path(needed), json={"status": "cancelled"})
    after_cancelling = refusal(await post(bob, last, "claim"))
    await ann.client.delete(path(last, "dependencies", needed["id"]))

    assert after_failing == after_cancelling == (409, "item_waiting")
    await done(bob, last, "claim")


async def test_added_removed_and_on_record(ann: Person, bob: Talker) -> None:
    item, needed = await make(ann, "item"), await make(ann, "needed")

    added = await wait_for(ann, item, needed)
    again = await wait_for(ann, item, needed)
    waiting = (await read(ann, item))["waiting_for"]
    removed = await ann.client.delete(path(item, "dependencies", needed["id"]))
    gone = await ann.client.delete(path(item, "dependencies", needed["id"]))

    assert added.status_code == again.status_code == 201
    assert [each["title"] for each in added.json()["needs"]] == ["needed"]
    assert (waiting, removed.status_code) == (1, 204)
    assert refusal(gone) == (404, "dependency_not_found")
    assert (await read(bob, item))["waiting_for"] == 0
    assert await acts(bob, item) == [
        ("created", "ann"),
        ("dependency_added", "ann"),
        ("dependency_removed", "ann"),
    ]


async def test_on_what_is_done_already_nothing_waits(ann: Person, bob: Talker) -> None:
    needed, item = await make(ann), await make(ann)
    await finish(bob, needed)

    assert (await wait_for(ann, item, needed)).status_code == 201

    await done(bob, item, "claim")
    busy = await wait_for(ann, item, await make(ann))
    assert refusal(busy) == (409, "item_not_open")


async def test_cycles_are_refused(ann: Person) -> None:
    a, b, c = [await make(ann, title) for title in "abc"]
    await wait_for(ann, a, b)
    await wait_for(ann, b, c)

    for item, needed in ((c, a), (b, a), (a, a)):
        assert refusal(await wait_for(ann, item, needed)) == (409, "dependency_cycle")
    assert (await wait_for(ann, a, c)).status_code == 201
    assert refusal(await wait_for(ann, a, {"id": NOBODY})) == (404, "item_not_found")
    assert (await ann.client.post(path(a, "dependencies"), json={})).status_code == 422


async def test_edits_that_come_at_once_make_no_cycle(ann: Person) -> None:
    items = [await make(ann, str(number)) for number in range(4)]
    pairs = list(itertools.permutations(items, 2))

    answers = await asyncio.gather(*(wait_for(ann, *pair) for pair in pairs))

    made = {each.status_code for each in answers}
    assert made == {201, 409}
    # of each two one waits for the other, and never both
    assert sum(each.status_code == 201 for each in answers) == 6
    order = sorted(
        [await read(ann, item) for item in items], key=lambda each: int(each["waiting_for"])
    )
    assert [each["waiting_for"] for each in order] == [0, 1, 2, 3]


async def test_completing_and_waiting_at_once_leaves_nothing_stuck(
    ann: Person, bob: Talker
) -> None:
    for _ in range(6):
        needed, item, other = await make(ann), await make(ann), await make(ann)
        await wait_for(ann, other, needed)
        fence = (await done(bob, needed, "claim"))["fence"]

        added, removed, completed = await asyncio.gather(
            wait_for(ann, item, needed),
            ann.client.delete(path(other, "dependencies", needed["id"])),
            post(bob, needed, "complete", fence=fence),
        )

        assert (added.status_code, removed.status_code, completed.status_code) == (201, 204, 200)
        for each in (item, other):
            assert (await read(ann, each))["waiting_for"] == 0


async def test_what_others_wait_for_is_not_deleted_before_it_is_done(
    ann: Person, bob: Talker
) -> None:
    needed = await make(ann)
    item = await make(ann, needs=[needed["id"]])

    refused = await ann.client.delete(path(needed))
    await finish(bob, needed)
    deleted = await ann.client.delete(path(needed))

    assert refusal(refused) == (409, "item_needed")
    assert deleted.status_code == 204
    assert await related(ann, item) == {"needs": [], "needed_by": []}
    await done(bob, item, "claim")


async def test_what_one_does_not_see_is_counted_and_not_shown(ann: Person, alice: Talker) -> None:
    made = await alice.client.post("/api/v1/rooms", json={"name": "r", "visibility": "private"})
    hidden = await make(alice, "hidden", room_id=made.json()["id"])
    item = await make(alice, "item", needs=[hidden["id"]])

    assert (await read(ann, item))["waiting_for"] == 1
    assert await related(ann, item) == {"needs": [], "needed_by": []}


async def test_a_hundred_and_no_more(ann: Person, hub: Resources) -> None:
    item, one, other = [await make(ann) for _ in range(3)]
    async with hub.database.write() as session:
        many = rows_like(one, 99)
        session.add_all(many)
        await session.flush()
        session.add_all(ItemDependency(item_id=UUID(item["id"]), needs_id=each.id) for each in many)

    hundredth = await wait_for(ann, item, one)
    one_more = await wait_for(ann, item, other)

    assert hundredth.status_code == 201
    assert refusal(one_more) == (409, "too_many_dependencies")
    assert (await read(ann, item))["waiting_for"] == 100
