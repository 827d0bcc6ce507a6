"""Who gets a socket, how they say who they are, and when it ends."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from websockets.exceptions import ConnectionClosed

from hubbub.settings import HttpSettings, Settings
from tests.fixtures.people import Person
from tests.messages.conftest import Talker
from tests.realtime.conftest import Dial, Line, inbox_of, key_of, room_path
from tests.rooms.helpers import make_room

TICKETS = "/api/v1/ws-tickets"
PAGE = "https://app.example.com"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    http = HttpSettings(cors_origins=(PAGE,))
    return settings.model_copy(update={"http": http})


async def code(dial: Dial, path: str, key: str | None = None, **options: Any) -> int:
    return (await (await dial(path, key, hello=False, **options)).closed())[0]


async def ticket_of(talker: Talker | Person) -> str:
    answer = await talker.client.post(TICKETS)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["ticket"])


class TestWays:
    async def test_a_header(self, dial: Dial, bob: Talker) -> None:
        await dial(inbox_of(bob), headers={"Authorization": f"Bearer {key_of(bob)}"})
        await dial(inbox_of(bob), headers={"X-API-Key": key_of(bob)})

    async def test_a_subprotocol_which_is_never_answered(self, dial: Dial, bob: Talker) -> None:
        line = await dial(inbox_of(bob), subprotocols=["hubbub", f"bearer.{key_of(bob)}"])
        alone = await dial(inbox_of(bob), subprotocols=[f"bearer.{key_of(bob)}"])

        assert (line.socket.subprotocol, alone.socket.subprotocol) == ("hubbub", None)

    async def test_a_ticket_once(self, dial: Dial, bob: Talker) -> None:
        ticket = await ticket_of(bob)

        await dial(inbox_of(bob, ticket=ticket))

        assert await code(dial, inbox_of(bob, ticket=ticket)) == 4401

    async def test_of_many_who_come_with_one_ticket_one_gets_in(
        self, dial: Dial, bob: Talker
    ) -> None:
        path = inbox_of(bob, ticket=await ticket_of(bob))
        lines = await asyncio.gather(*(dial(path, hello=False) for _ in range(8)))
        first = await asyncio.gather(*(_first(line) for line in lines))

        assert sorted(first) == [*["4401"] * 7, "hello"]

    async def test_a_ticket_does_no_more_than_its_credential(
        self, dial: Dial, alice: Talker, bob: Talker
    ) -> None:
        assert await code(dial, inbox_of(bob, ticket=await ticket_of(alice))) == 4403

    async def test_the_table_gives_no_ticket_and_no_credential_away(
        self, app: FastAPI, bob: Talker
    ) -> None:
        ticket = await ticket_of(bob)

        async with app.state.resources.database.read() as session:
            connection = await session.connection()
            rows = (await connection.exec_driver_sql("SELECT * FROM socket_ticket")).all()

        assert len(rows) == 1
        for secret in (ticket, key_of(bob)):
            assert secret not in str(rows)
            assert secret.encode() not in b"".join(v for v in rows[0] if isinstance(v, bytes))

    @pytest.mark.parametrize("ticket", ["x", "A" * 43, "%00", "a" * 5000])
    async def test_made_up_tickets(self, dial: Dial, bob: Talker, ticket: str) -> None:
        assert await code(dial, inbox_of(bob, ticket=ticket)) == 4401


async def _first(line: Line) -> str:
    try:
        return str((await line.next())["type"])
    except ConnectionClosed:
        return str(line.socket.close_code)


class TestRefused:
    async def test_without_a_credential_or_with_a_wrong_one(self, dial: Dial, bob: Talker) -> None:
        for path in (inbox_of(bob), room_path(uuid4()), "/ws/private"):
            assert await code(dial, path) == 4401
            assert await code(dial, path, "agt_wrong") == 4401

    async def test_somebody_elses_inbox(self, dial: Dial, alice: Talker, bob: Talker) -> None:
        assert await code(dial, inbox_of(bob), key_of(alice)) == 4403

    async def test_what_there_is_not(self, dial: Dial, bob: Talker) -> None:
        for name in (uuid4(), "nobody"):
            assert await code(dial, f"/ws/agents/{name}", key_of(bob)) in {4403, 4404}
            assert await code(dial, f"/ws/rooms/{name}", key_of(bob)) == 4404

    async def test_a_room_that_one_is_not_in(
        self, dial: Dial, other_user: Person, alice: Talker
    ) -> None:
        public = await make_room(other_user, "plaza")
        private = await make_room(other_user, "cellar", visibility="private")

        assert await code(dial, room_path(public["id"]), key_of(alice)) == 4403
        assert await code(dial, room_path(private["id"]), key_of(alice)) == 4404

    @pytest.mark.parametrize(
        ("origin", "gets_in"),
        [
            (PAGE, True),
            ("http://localhost:5173", True),
            ("https://evil.example", False),
            ("https://app.example.com.evil.example", False),
            ("null", False),
            ("http://[::1", False),
        ],
    )
    async def test_pages_of_other_origins(
        self, dial: Dial, bob: Talker, origin: str, gets_in: bool
    ) -> None:
        headers = {"Origin": origin}
        if gets_in:
            await dial(inbox_of(bob), key_of(bob), headers=headers)
        else:
            assert await code(dial, inbox_of(bob), key_of(bob), headers=headers) == 4403

    async def test_an_api_key_that_may_only_write(
        self, dial: Dial, authenticated_user: Person, alice: Talker
    ) -> None:
        made = await authenticated_user.client.post(
            "/api/v1/api-keys", json={"name": "w", "scopes": ["write"]}
        )

        assert await code(dial, inbox_of(alice), made.json()["key"]) == 4403


class TestEnding:
    async def test_a_new_key_ends_the_sockets_of_the_old_one(self, dial: Dial, bob: Talker) -> None:
        line = await dial(inbox_of(bob), key_of(bob))
        path = f"/api/v1/agents/{bob.id}/key"
        assert (await bob.owner.client.post(path)).status_code == 201
        await bob.owner.client.delete(f"/api/v1/agents/{bob.id}")

        async with asyncio.timeout(1):
            assert (await line.closed())[0] == 4401

    async def test_a_revoked_api_key_and_a_session_that_is_over(
        self, dial: Dial, authenticated_user: Person
    ) -> None:
        made = (
            await authenticated_user.client.post(
                "/api/v1/api-keys", json={"name": "r", "scopes": ["read"]}
            )
        ).json()
        by_key = await dial("/ws/private", made["key"])
        by_session = await dial("/ws/private", authenticated_user.tokens["access_token"])

        await authenticated_user.client.delete(f"/api/v1/api-keys/{made['id']}")
        async with asyncio.timeout(1):
            assert (await by_key.closed())[0] == 4401
        await authenticated_user.client.post(
            "/api/v1/auth/logout",
            json={"refresh_token": authenticated_user.tokens["refresh_token"]},
        )
        async with asyncio.timeout(1):
            assert (await by_session.closed())[0] == 4401

    async def test_also_when_nobody_tells_of_it(
        self, app: FastAPI, dial: Dial, bob: Talker
    ) -> None:
        line = await dial(inbox_of(bob), key_of(bob))
        app.state.realtime.connections._soon_check = lambda _: None

        await bob.owner.client.delete(f"/api/v1/agents/{bob.id}")

        assert (await line.closed())[0] == 4401

    async def test_an_owner_who_gives_the_agent_away(
        self, dial: Dial, authenticated_user: Person, other_user: Person, alice: Talker
    ) -> None:
        line = await dial(inbox_of(alice), authenticated_user.tokens["access_token"])
        path = f"/api/v1/agents/{alice.id}/transfer"
        await authenticated_user.client.post(path, json={"user_id": str(other_user.id)})
        accepted = await other_user.client.post(f"{path}/accept")
        assert accepted.status_code < 300, accepted.text

        assert (await line.closed())[0] in {4401, 4403}
