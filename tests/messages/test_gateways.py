"""The test of a gateway, as its owner calls it."""

from typing import Any

import httpx2
import pytest
from standardwebhooks import Webhook

from hubbub.kit.resources import Resources
from hubbub.messages.delivery.findings import ADVICE
from hubbub.messages.types import Finding
from tests.agents.helpers import TOKEN, as_agent, make_agent, openclaw, path, person_of
from tests.cli.test_secrets import NEW, safe
from tests.fixtures.elsewhere import elsewhere, says
from tests.fixtures.peers import free_port
from tests.fixtures.people import Person


async def diagnosis(person: Person, agent: dict[str, Any]) -> httpx2.Response:
    return await person.client.post(path(agent, "gateway", "test"))


async def test_its_owner_and_admins_are_told_how_it_stands(
    authenticated_user: Person, admin: Person
) -> None:
    async with elsewhere(says(401, f"no: {TOKEN}\n")) as there:
        agent = await make_agent(authenticated_user, "ada", **openclaw(gateway_url=there.url))

        for person in (authenticated_user, admin):
            answer = await diagnosis(person, agent)

            assert answer.status_code == 200, answer.text
            told = answer.json()
            assert told.pop("latency_ms") >= 0
            assert told == {
                "ok": False,
                "diagnosis": "wrong_token",
                "advice": ADVICE[Finding.WRONG_TOKEN],
                "status": 401,
                "answer": "no: ***",
            }
    assert there.received[0].headers["authorization"] == f"Bearer {TOKEN}"


async def test_nothing_listens(authenticated_user: Person) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    agent = await make_agent(authenticated_user, "ada", **openclaw(gateway_url=url))

    told = (await diagnosis(authenticated_user, agent)).json()

    assert (told["ok"], told["diagnosis"], told["status"]) == (False, "unreachable", None)


@pytest.mark.parametrize(
    ("url", "names_the_setting"),
    [
        ("http://10.0.0.1/", True),
        ("http://0x0a000001/", True),
        ("http://167772161/", True),
        ("http://012.0.0.1/", True),
        ("http://[::ffff:10.0.0.1]/", True),
        ("http://169.254.169.254/latest/meta-data/", False),
        ("http://127.0.0.1:8000/", False),
    ],
)
async def test_an_address_that_the_hub_does_not_call(
    authenticated_user: Person, url: str, names_the_setting: bool
) -> None:
    agent = await make_agent(authenticated_user, "ada", gateway_kind="webhook", gateway_url=url)

    told = (await diagnosis(authenticated_user, agent)).json()

    assert (told["ok"], told["diagnosis"]) == (False, "refused_by_our_rules")
    assert ("HUBBUB_GATEWAY__ALLOW_CIDRS" in told["advice"]) is names_the_setting


async def test_a_webhook_is_pinged_with_both_secrets(authenticated_user: Person) -> None:
    async with elsewhere(says(200)) as there:
        agent = await make_agent(
            authenticated_user, "ada", gateway_kind="webhook", gateway_url=there.url
        )
        secrets = [
            (await authenticated_user.client.post(path(agent, "gateway", "secret"))).json()
            for _ in range(3)
        ]
        told = (await diagnosis(authenticated_user, agent)).json()

    assert (told["ok"], told["diagnosis"], told["advice"]) == (True, "ok", None)
    [got] = there.received
    for made in secrets[1:]:
        assert Webhook(made["secret"]).verify(got.body, got.headers)["type"] == "ping"
    assert got.headers["webhook-signature"].count("v1,") == 2


async def test_it_is_nobody_elses_to_test(
    client: httpx2.AsyncClient, authenticated_user: Person, other_user: Person
) -> None:
    async with elsewhere(says(200)) as there:
        agent = await make_agent(authenticated_user, "ada", **openclaw(gateway_url=there.url))
        where = path(agent, "gateway", "test")

        by_others = await other_user.client.post(where)
        by_itself = await as_agent(client, agent, "POST", where)

    assert (by_others.status_code, by_others.json()["code"]) == (403, "not_your_agent")
    assert (by_itself.status_code, by_itself.json()["code"]) == (403, "user_required")
    assert there.received == []


async def test_who_has_no_gateway(authenticated_user: Person) -> None:
    agent = await make_agent(authenticated_user, "ada")
    person = await person_of(authenticated_user)

    none = await diagnosis(authenticated_user, agent)
    nobodys = await diagnosis(authenticated_user, person)

    assert (none.status_code, none.json()["code"]) == (409, "no_gateway")
    assert (nobodys.status_code, nobodys.json()["code"]) == (409, "not_an_agent")


async def test_it_can_not_be_tested_all_the_time(authenticated_user: Person) -> None:
    async with elsewhere(says(401)) as there:
        agents = [
            await make_agent(
                authenticated_user, name, gateway_kind="webhook", gateway_url=there.url
            )
            for name in ("ada", "bob")
        ]
        # a minute may begin in between: then there are as many more
        answers = [await diagnosis(authenticated_user, agents[0]) for _ in range(13)]
        another = await diagnosis(authenticated_user, agents[1])

    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert {answer.json()["code"] for answer in refused} == {"gateway_test_limit"}
    assert 1 <= int(refused[0].headers["retry-after"]) <= 60
    assert len(there.received) == 13 - len(refused) + 1
    assert another.status_code == 200


async def test_secrets_that_can_not_be_read_any_more(
    hub: Resources, authenticated_user: Person
) -> None:
    async with elsewhere(says(200)) as there:
        agent = await make_agent(authenticated_user, "ada", **openclaw(gateway_url=there.url))
        object.__setattr__(hub, "safe", safe(NEW))

        told = (await diagnosis(authenticated_user, agent)).json()

    assert (told["ok"], told["diagnosis"]) == (False, "token_unreadable")
    assert there.received == []
