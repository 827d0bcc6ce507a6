"""Comments on posts, and answers to them."""

import asyncio

import httpx2
import pytest

from tests.board.helpers import NOBODY, path, refusal, remark, said, write
from tests.fixtures.people import Person
from tests.messages.conftest import MakeTalker, Talker
from tests.messages.helpers import act, room_of


async def test_comments_and_answers_newest_first(ann: Person, bob: Talker) -> None:
    post = await write(ann)
    first = await remark(bob, post, content="first")
    answer = await remark(ann, post, content="answer", parent_id=first["id"])
    await remark(ann, post, content="second")

    assert first["creator"]["name"] == "bob"
    assert (first["parent_id"], answer["parent_id"]) == (None, first["id"])
    assert await said(bob, post) == ["second", "answer", "first"]
    assert await said(bob, post, parent_id=first["id"]) == ["answer"]
    read = (await ann.client.get(path(post, "comments", first["id"]))).json()
    assert read == first | {"replies": 1}
    assert (await ann.client.get(path(post))).json()["comments"] == 3


async def test_pages(ann: Person) -> None:
    post = await write(ann)
    for number in range(3):
        await remark(ann, post, content=str(number))

    page = (await ann.client.get(path(post, "comments"), params={"limit": 2})).json()

    assert [each["content"] for each in page["items"]] == ["2", "1"]
    assert await said(ann, post, cursor=page["next_cursor"]) == ["0"]


async def test_there_are_no_answers_to_answers(ann: Person) -> None:
    post, other = await write(ann), await write(ann, "Other")
    first = await remark(ann, post)
    answer = await remark(ann, post, parent_id=first["id"])

    async def answering(parent_id: str, under: dict[str, object] = post) -> tuple[int, str]:
        body = {"content": "C", "parent_id": parent_id}
        return refusal(await ann.client.post(path(under, "comments"), json=body))

    assert await answering(answer["id"]) == (409, "comment_too_deep")
    assert await answering(NOBODY) == (404, "comment_not_found")
    assert await answering(first["id"], under=other) == (404, "comment_not_found")


async def test_under_another_post_there_is_no_such_comment(ann: Person) -> None:
    post, other = await write(ann), await write(ann, "Other")
    comment = await remark(ann, post)
    where = path(other, "comments", comment["id"])

    answers = [
        await ann.client.get(where),
        await ann.client.patch(where, json={"content": "C"}),
        await ann.client.delete(where),
    ]

    assert {refusal(each) for each in answers} == {(404, "comment_not_found")}
    assert await said(ann, post) == ["Well."]


async def test_only_who_wrote_it_or_an_admin_changes_it(
    ann: Person, ben: Person, alice: Talker, admin: Person
) -> None:
    post = await write(ann)
    comment = await remark(alice, post)
    where = path(post, "comments", comment["id"])

    for other in (ann, ben):
        answers = [
            await other.client.patch(where, json={"content": "C"}),
            await other.client.delete(where),
        ]
        assert {refusal(each) for each in answers} == {(403, "not_your_comment")}
    changed = (await alice.owner.client.patch(where, json={"content": "Oh."})).json()
    assert (changed["content"], changed["edited_at"] is None) == ("Oh.", False)
    assert (await admin.client.delete(where)).status_code == 204
    assert await said(ann, post) == []


async def test_one_that_was_answered_stays_without_its_content(ann: Person, ben: Person) -> None:
    post = await write(ann)
    comment = await remark(ann, post, content="secret")
    await remark(ben, post, content="answer", parent_id=comment["id"])
    where = path(post, "comments", comment["id"])

    assert (await ann.client.delete(where)).status_code == 204

    assert await said(ben, post) == ["answer", ""]
    assert (await ben.client.get(where)).json()["deleted_at"] is not None
    assert (await ben.client.get(path(post))).json()["comments"] == 1
    again = [
        await ann.client.delete(where),
        await ann.client.patch(where, json={"content": "C"}),
        await ann.client.post(
            path(post, "comments"), json={"content": "C", "parent_id": comment["id"]}
        ),
    ]
    assert {refusal(each) for each in again} == {(409, "comment_deleted")}


async def test_what_was_left_empty_goes_with_the_last_answer(ann: Person, ben: Person) -> None:
    post = await write(ann)
    comment = await remark(ann, post, content="question")
    answers = [await remark(ben, post, content=text, parent_id=comment["id"]) for text in "AB"]
    await ann.client.delete(path(post, "comments", comment["id"]))

    await ben.client.delete(path(post, "comments", answers[0]["id"]))
    assert await said(ann, post) == ["B", ""]
    await ben.client.delete(path(post, "comments", answers[1]["id"]))
    assert await said(ann, post) == []


async def test_two_last_answers_that_go_at_once_leave_nothing(ann: Person, ben: Person) -> None:
    post = await write(ann)
    for _ in range(5):
        comment = await remark(ann, post)
        last = [await remark(ben, post, parent_id=comment["id"]) for _ in range(2)]

        deleted = await asyncio.gather(
            ann.client.delete(path(post, "comments", comment["id"])),
            *(ben.client.delete(path(post, "comments", each["id"])) for each in last),
        )

        assert {each.status_code for each in deleted} == {204}
        assert await said(ann, post) == []


async def test_who_may_not_speak_in_the_room_any_more_only_deletes(
    alice: Talker, bob: Talker, admin: Person
) -> None:
    room_id = await room_of(alice, bob, name="public")
    post = await write(alice, room_id=room_id)
    comment = await remark(bob, post)
    where = path(post, "comments", comment["id"])
    await act(bob, room_id, "leave")

    changed = await bob.client.patch(where, json={"content": "C"})

    assert refusal(changed) == (403, "not_in_room")
    assert (await admin.client.patch(where, json={"content": "C"})).status_code == 200
    assert (await bob.client.delete(where)).status_code == 204


async def test_answering_and_deleting_at_once_loses_no_answer(ann: Person, ben: Person) -> None:
    post = await write(ann)
    for _ in range(5):
        comment = await remark(ann, post)
        body = {"content": "answer", "parent_id": comment["id"]}

        answered, deleted = await asyncio.gather(
            ben.client.post(path(post, "comments"), json=body),
            ann.client.delete(path(post, "comments", comment["id"])),
        )

        assert deleted.status_code == 204
        assert answered.status_code in {201, 404, 409}
        kept = await said(ben, post, parent_id=comment["id"])
        assert kept == (["answer"] if answered.status_code == 201 else [])


async def test_in_a_room_by_those_who_may_speak_there(
    alice: Talker, bob: Talker, ann: Person
) -> None:
    public = await write(alice, room_id=await room_of(alice, name="public"))
    private_room = await room_of(alice, bob, name="private", visibility="private")
    private = await write(alice, room_id=private_room)
    comment = await remark(bob, private)

    outside = await ann.client.post(path(public, "comments"), json={"content": "C"})
    unseen = await ann.client.post(path(private, "comments"), json={"content": "C"})
    read = await ann.client.get(path(private, "comments", comment["id"]))
    await act(bob, private_room, "leave")
    left = await bob.client.patch(path(private, "comments", comment["id"]), json={"content": "C"})

    assert refusal(outside) == (403, "not_in_room")
    assert refusal(unseen) == refusal(read) == refusal(left) == (404, "post_not_found")


@pytest.mark.parametrize(
    "body", [{}, {"content": " "}, {"content": "a" * 16385}, {"content": "C", "parent_id": "x"}]
)
async def test_refuses_what_is_not_acceptable(ann: Person, body: dict[str, object]) -> None:
    post = await write(ann)

    assert (await ann.client.post(path(post, "comments"), json=body)).status_code == 422


async def test_nobody_comments_as_somebody_elses_agent(ann: Person, bob: Talker) -> None:
    post = await write(ann)
    body = {"content": "C", "agent_id": str(bob.id)}

    answer = await ann.client.post(path(post, "comments"), json=body)

    assert refusal(answer) == (403, "not_your_participant")


async def test_nothing_without_a_credential(ann: Person, client: httpx2.AsyncClient) -> None:
    post = await write(ann)
    comment = await remark(ann, post)
    one, all_ = path(post, "comments", comment["id"]), path(post, "comments")

    for method, where in (("GET", all_), ("POST", all_), ("GET", one), ("PATCH", one)):
        assert (await client.request(method, where, json={"content": "C"})).status_code == 401
    assert (await client.delete(one)).status_code == 401


async def test_a_page_of_many_takes_as_many_statements_as_one_of_few(
    ann: Person, talkers: MakeTalker, statements: list[str]
) -> None:
    post = await write(ann)

    async def cost() -> int:
        await said(ann, post)
        statements.clear()
        await said(ann, post)
        return len(statements)

    first = await remark(ann, post)
    few = await cost()
    for number in range(4):
        await remark(await talkers(f"author-{number}"), post, parent_id=first["id"])

    assert 1 <= few == await cost()
