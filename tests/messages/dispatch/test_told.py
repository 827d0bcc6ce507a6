"""Owners hear of what went wrong with pushes: in the hub, live, and by mail."""

from typing import Any

from tests.fixtures.elsewhere import says
from tests.fixtures.mail import Inbox
from tests.fixtures.people import Person
from tests.messages.conftest import Talker
from tests.messages.dispatch.conftest import MakeGateway, until_all


async def notice(person: Person, kind: str) -> dict[str, Any]:
    page = (await person.client.get("/api/v1/notifications")).json()
    [found] = [each for each in page["items"] if each["kind"] == kind]
    told: dict[str, Any] = found
    return told


async def test_a_pause_is_mailed_to_the_owner_with_what_to_change(
    alice: Talker, gateways: MakeGateway, other_user: Person, inbox: Inbox
) -> None:
    bob = await gateways("bob", says(404), owner=other_user)
    await alice.send(bob.agent)

    mail = await inbox.next()

    told = await notice(other_user, "messages.gateway_paused")
    assert mail.to == other_user.email
    assert mail.subject == told["title"] == "Nothing is pushed to bob any more: not_found"
    assert told["body"] in " ".join(mail.text.replace(">", "").split())


async def test_a_delivery_that_failed_for_good_is_mailed_to_both_owners(
    alice: Talker, gateways: MakeGateway, other_user: Person, inbox: Inbox
) -> None:
    bob = await gateways("bob", says(500), owner=other_user)
    await alice.send(bob.agent)
    await until_all(bob.agent, "failed", 1)

    mails = [await inbox.next() for _ in range(2)]

    assert {mail.to for mail in mails} == {alice.owner.email, other_user.email}
    assert {mail.subject for mail in mails} == {"Messages to bob could not be pushed"}
    for person in (alice.owner, other_user):
        await notice(person, "messages.deliveries_failed")
