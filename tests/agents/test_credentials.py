"""What is remembered about credentials, and when it is forgotten."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from hubbub.agents import credentials as module
from hubbub.agents.credentials import Credentials, Known, actor_of
from hubbub.agents.state import AgentState
from hubbub.agents.types import Actor, Kind
from hubbub.auth.service.revocations import CredentialsRevoked, announce_revocation
from hubbub.auth.tokens import Tokens
from hubbub.auth.types import Scope
from hubbub.kit.ids import new_id
from hubbub.kit.resources import Resources
from hubbub.users.types import Role, Viewer
from tests.agents.helpers import AGENTS, make_agent, path
from tests.fixtures.people import MakePerson, Person
from tests.fixtures.waiting import eventually

NOW = datetime.now(UTC)


def an_actor() -> Actor:
    owner = new_id()
    return Actor(new_id(), "ada", Kind.AGENT, owner, Viewer(owner, Role.MEMBER), frozenset(Scope))


async def remember(memory: Credentials, key: bytes, known: Known) -> None:
    async def look_up() -> Known:
        return known

    assert await memory.ask(key, look_up) == known


def revoked(subject: object) -> str:
    return f'{{"subject_id": "{subject}"}}'


@pytest.fixture
def known(app: FastAPI) -> Credentials:
    state: AgentState = app.state.agents
    return state.credentials


@pytest.fixture
def tokens(hub: Resources) -> Tokens:
    return Tokens(hub.keys, hub.settings.auth, hub.clock)


class TestMemory:
    async def test_keeps_for_some_seconds(
        self, hub: Resources, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        memory, at = Credentials(hub, seconds=5), [100.0]
        monkeypatch.setattr(module, "monotonic", lambda: at[0])
        await remember(memory, b"a", Known(an_actor(), None))

        at[0] += 4.9
        kept = memory.get(b"a", NOW)
        at[0] += 0.1

        assert kept is not None
        assert memory.get(b"a", NOW) is None

    async def test_not_longer_than_the_credential_counts(self, hub: Resources) -> None:
        memory = Credentials(hub)
        await remember(memory, b"a", Known(an_actor(), NOW))

        assert memory.get(b"a", NOW - timedelta(seconds=1)) is not None
        assert memory.get(b"a", NOW) is None

    async def test_is_bounded(self, hub: Resources) -> None:
        memory = Credentials(hub, most=2)
        for key in (b"a", b"b", b"c"):
            await remember(memory, key, Known(an_actor(), None))

        assert memory.get(b"a", NOW) is None
        assert memory.get(b"b", NOW) is not None

    async def test_forgets_what_is_revoked_and_nothing_else(self, hub: Resources) -> None:
        memory, one, other = Credentials(hub), an_actor(), an_actor()
        for subject in (one.participant_id, one.owner_id):
            await remember(memory, b"a", Known(one, None))
            await remember(memory, b"b", Known(other, None))
            memory.hear(revoked(subject))

            assert memory.get(b"a", NOW) is None
            assert memory.get(b"b", NOW) == other

    async def test_does_not_keep_what_was_revoked_while_it_was_looked_up(
        self, hub: Resources
    ) -> None:
        memory = Credentials(hub)

        async def look_up() -> Known:
            memory.hear(revoked(new_id()))
            return Known(an_actor(), None)

        await memory.ask(b"a", look_up)

        assert memory.get(b"a", NOW) is None

    async def test_is_looked_up_once_for_all_who_come_meanwhile(self, hub: Resources) -> None:
        memory, known, go, asked = Credentials(hub), Known(an_actor(), None), asyncio.Event(), []

        async def look_up() -> Known:
            asked.append(1)
            await go.wait()
            return known

        gone, *others = [asyncio.create_task(memory.ask(b"a", look_up)) for _ in range(3)]
        await asyncio.sleep(0)
        gone.cancel()
        memory.hear(revoked(new_id()))
        late = asyncio.create_task(memory.ask(b"a", look_up))
        await asyncio.sleep(0)
        go.set()

        assert await asyncio.gather(*others, late) == [known] * 3
        assert len(asked) == 2, "who came after a revocation shared a look from before it"


async def test_a_second_call_asks_no_database(
    authenticated_user: Person, known: Credentials, hub: Resources
) -> None:
    agent = await make_agent(authenticated_user, "ada")
    first = await actor_of(known, agent["key"])
    known.resources = replace(hub, database=None)  # type: ignore[arg-type]

    assert await actor_of(known, agent["key"]) == first


async def test_a_wrong_one_is_not_remembered(
    authenticated_user: Person, known: Credentials
) -> None:
    for wrong in ("agt_x", "hub_x", "a.b.c", "", "enr_x"):
        assert await actor_of(known, wrong) is None
    assert len(known._known) <= 1  # the user's own, from his signing in


async def test_who_calls(client: httpx2.AsyncClient, admin: Person, known: Credentials) -> None:
    agent = await make_agent(admin, "ada")
    key = (await admin.client.post("/api/v1/api-keys", json={"name": "key"})).json()["key"]

    itself = await actor_of(known, agent["key"])
    signed_in = await actor_of(known, admin.tokens["access_token"])
    by_key = await actor_of(known, key)

    assert itself is not None
    assert (str(itself.participant_id), itself.handle) == (agent["id"], "ada")
    assert (itself.kind, itself.owner_id) == (Kind.AGENT, admin.id)
    assert itself.viewer == Viewer(admin.id, Role.MEMBER)
    assert itself.scopes == {Scope.READ, Scope.WRITE}
    assert not itself.is_user
    assert signed_in is not None
    assert (signed_in.kind, signed_in.owner_id) == (Kind.PERSON, admin.id)
    assert signed_in.viewer == Viewer(admin.id, Role.ADMIN)
    assert by_key is not None
    assert by_key.participant_id == signed_in.participant_id
    assert by_key.viewer == Viewer(admin.id, Role.MEMBER)


class TestARevocationHoldsAtOnce:
    """Each time the credential has been used before, so that it is remembered."""

    async def used(self, client: httpx2.AsyncClient, key: str) -> int:
        return (await client.get(AGENTS, headers={"Authorization": f"Bearer {key}"})).status_code

    async def test_of_an_api_key(
        self, client: httpx2.AsyncClient, authenticated_user: Person
    ) -> None:
        made = (await authenticated_user.client.post("/api/v1/api-keys", json={"name": "k"})).json()
        before = await self.used(client, made["key"])

        await authenticated_user.client.delete(f"/api/v1/api-keys/{made['id']}")

        assert (before, await self.used(client, made["key"])) == (200, 401)

    async def test_of_a_session(
        self, client: httpx2.AsyncClient, authenticated_user: Person
    ) -> None:
        token = authenticated_user.tokens["access_token"]
        before = await self.used(client, token)

        await authenticated_user.client.post("/api/v1/auth/logout")

        assert (before, await self.used(client, token)) == (200, 401)

    async def test_of_a_role(self, people: MakePerson, admin: Person) -> None:
        other = await people(role=Role.ADMIN)
        agent = await make_agent(admin, "ada")
        before = await other.client.patch(path(agent), json={"description": "x"})

        await admin.client.patch(other.path, json={"role": "member"})
        after = await other.client.patch(path(agent), json={"description": "y"})

        assert (before.status_code, after.status_code) == (200, 403)

    async def test_of_a_user_who_is_deleted(
        self, client: httpx2.AsyncClient, authenticated_user: Person, admin: Person
    ) -> None:
        agent = await make_agent(authenticated_user, "ada")
        credentials = (agent["key"], authenticated_user.tokens["access_token"])
        before = [await self.used(client, each) for each in credentials]

        gone = await admin.client.delete(authenticated_user.path, params={"discard": True})

        assert gone.status_code == 204
        assert before == [200, 200]
        assert [await self.used(client, each) for each in credentials] == [401, 401]


async def test_a_revocation_elsewhere_comes_over_the_bus(
    authenticated_user: Person, known: Credentials, hub: Resources
) -> None:
    agent = await make_agent(authenticated_user, "ada")
    actor = await actor_of(known, agent["key"])
    assert actor is not None
    await hub.bus.settled()
    heard = known.revocations

    # as another process tells it, which has deleted the key
    async with hub.database.write() as session:
        await session.execute(text("DELETE FROM agent_key"))
    await hub.bus.publish(CredentialsRevoked.topic, [revoked(actor.participant_id)])

    async def forgotten() -> bool:
        return known.revocations > heard and await actor_of(known, agent["key"]) is None

    await eventually(forgotten, within=1)


async def test_what_is_rolled_back_is_not_announced(hub: Resources, known: Credentials) -> None:
    heard = known.revocations

    async def fail() -> None:
        async with hub.database.write() as session:
            announce_revocation(session, new_id())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()

    assert known.revocations == heard


async def test_what_is_committed_is_announced_to_all(hub: Resources, known: Credentials) -> None:
    """By the commit here, and by the relay over the bus to everybody."""
    told: list[Any] = []
    hub.bus.subscribe(CredentialsRevoked.topic, told.append)
    await hub.bus.settled()
    heard = known.revocations

    async with hub.database.write() as session:
        announce_revocation(session, new_id())
    here = known.revocations

    async def everywhere() -> bool:
        return len(told) == 1

    assert here > heard
    await eventually(everywhere, within=2)
