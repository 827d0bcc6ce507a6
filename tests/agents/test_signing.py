"""The secrets that pushes to a webhook are signed with."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import text, update

from hubbub.agents import queries
from hubbub.agents.models import SigningSecret
from hubbub.agents.service.signing import opened
from hubbub.kit.db.dialect import db_now
from hubbub.kit.resources import Resources
from tests.agents.helpers import as_agent, make_agent, path, person_of
from tests.fixtures.people import Person


async def signing(hub: Resources, agent: dict[str, str]) -> list[str]:
    """Those that a push would be signed with now."""
    async with hub.database.read() as session:
        rows = await queries.current_secrets(session, [UUID(agent["id"])])
    return [opened(row, hub.safe) for row in rows]


async def made(person: Person, agent: dict[str, str], **body: object) -> dict[str, Any]:
    answer = await person.client.post(path(agent, "gateway", "secret"), json=body or None)
    assert answer.status_code == 201, answer.text
    content: dict[str, Any] = answer.json()
    return content


async def test_it_is_shown_once_and_kept_sealed(hub: Resources, authenticated_user: Person) -> None:
    agent = await make_agent(authenticated_user, "ada")

    first = await made(authenticated_user, agent)

    assert first["secret"].startswith("whsec_")
    assert first["previous_expires_at"] is None
    assert await signing(hub, agent) == [first["secret"]]
    shown = await authenticated_user.client.get(path(agent))
    assert first["secret"] not in shown.text
    async with hub.database.read() as session:
        stored = (await session.execute(text("SELECT secret FROM agent_signing_secret"))).scalar()
    assert first["secret"].removeprefix("whsec_").encode() not in bytes(stored or b"")


async def test_the_one_before_it_counts_for_a_day(
    hub: Resources, authenticated_user: Person
) -> None:
    agent = await make_agent(authenticated_user, "ada")
    first, second = [await made(authenticated_user, agent) for _ in range(2)]

    assert await signing(hub, agent) == [second["secret"], first["secret"]]
    ends = datetime.fromisoformat(second["previous_expires_at"])
    assert abs(ends - datetime.now(UTC) - timedelta(days=1)) < timedelta(minutes=5)

    third = await made(authenticated_user, agent)
    assert await signing(hub, agent) == [third["secret"], second["secret"]]

    async with hub.database.write() as session:
        old = SigningSecret.expires_at.is_not(None)
        await session.execute(update(SigningSecret).where(old).values(expires_at=db_now(-1)))
    assert await signing(hub, agent) == [third["secret"]]


async def test_one_that_has_leaked_ends_at_once(hub: Resources, authenticated_user: Person) -> None:
    agent = await make_agent(authenticated_user, "ada")
    for _ in range(2):
        await made(authenticated_user, agent)

    last = await made(authenticated_user, agent, overlap_seconds=0)

    assert last["previous_expires_at"] is None
    assert await signing(hub, agent) == [last["secret"]]


async def test_agents_have_their_own(hub: Resources, authenticated_user: Person) -> None:
    agents = [await make_agent(authenticated_user, name) for name in ("ada", "bob")]

    secrets = [(await made(authenticated_user, agent))["secret"] for agent in agents]

    assert [await signing(hub, agent) for agent in agents] == [[secret] for secret in secrets]


async def test_under_one_key_there_is_one(hub: Resources, authenticated_user: Person) -> None:
    agent = await make_agent(authenticated_user, "ada")
    where, key = path(agent, "gateway", "secret"), {"Idempotency-Key": "k"}

    first, again = [await authenticated_user.client.post(where, headers=key) for _ in range(2)]

    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert await signing(hub, agent) == [first.json()["secret"]]


async def test_only_its_owner_and_admins_make_one(
    client: httpx2.AsyncClient, authenticated_user: Person, other_user: Person, admin: Person
) -> None:
    agent = await make_agent(authenticated_user, "ada")
    where = path(agent, "gateway", "secret")

    by_others = await other_user.client.post(where)
    by_itself = await as_agent(client, agent, "POST", where)
    for_a_person = await authenticated_user.client.post(
        path(await person_of(authenticated_user), "gateway", "secret")
    )

    assert (by_others.status_code, by_others.json()["code"]) == (403, "not_your_agent")
    assert (by_itself.status_code, by_itself.json()["code"]) == (403, "user_required")
    assert (for_a_person.status_code, for_a_person.json()["code"]) == (409, "not_an_agent")
    assert (await admin.client.post(where)).status_code == 201


@pytest.mark.parametrize("how", ["deleted", "handed over"])
async def test_they_end_with_the_agent_and_with_its_owner(
    hub: Resources, authenticated_user: Person, admin: Person, how: str
) -> None:
    agent = await make_agent(authenticated_user, "ada")
    await made(authenticated_user, agent)

    if how == "deleted":
        answer = await authenticated_user.client.delete(path(agent))
    else:
        offered = {"user_id": str(admin.id)}
        await authenticated_user.client.post(path(agent, "transfer"), json=offered)
        answer = await admin.client.post(path(agent, "transfer", "accept"))

    assert answer.is_success, answer.text
    assert await signing(hub, agent) == []
