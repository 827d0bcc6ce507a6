import asyncio
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import select

from hubbub.activity.models import Activity
from hubbub.auth.models import RefreshToken
from hubbub.kit.clock import ManualClock
from hubbub.kit.resources import Resources
from hubbub.settings import AuthSettings, Settings
from tests.fixtures.factories import PASSWORD
from tests.fixtures.people import MakePerson, Person, sign_in

TOKEN = "/api/v1/auth/token"
REFRESH = "/api/v1/auth/refresh"
ME = "/api/v1/auth/me"


def bearer(tokens: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


class TestSigningIn:
    async def test_by_address_or_username_in_any_case(
        self, client: httpx2.AsyncClient, authenticated_user: Person
    ) -> None:
        for login in (authenticated_user.email.upper(), authenticated_user.username.upper()):
            tokens = await sign_in(client, login)
            me = await client.get(ME, headers=bearer(tokens))

            assert me.json()["user"]["id"] == str(authenticated_user.id)
            assert me.json()["scopes"] == ["admin", "read", "write"]
            assert (tokens["token_type"], tokens["expires_in"]) == ("bearer", 900)

    async def test_the_answer_to_a_wrong_name_and_a_wrong_password_is_the_same(
        self, client: httpx2.AsyncClient, authenticated_user: Person, people: MakePerson
    ) -> None:
        gone = await people(full_name="Gone")
        await gone.client.delete(gone.path)

        answers = [
            await client.post(TOKEN, data={"username": name, "password": password})
            for name, password in (
                (authenticated_user.email, "Wrong-horse7!"),
                ("nobody@example.com", PASSWORD),
                ("nobody", PASSWORD),
                (gone.email, PASSWORD),
                ("nul\x00", PASSWORD),
            )
        ]

        assert {a.status_code for a in answers} == {401}
        assert len({a.json()["title"] for a in answers}) == 1
        assert all(a.headers["www-authenticate"].startswith("Bearer") for a in answers)

    async def test_a_failed_attempt_is_written_down(
        self, client: httpx2.AsyncClient, authenticated_user: Person, hub: Resources
    ) -> None:
        await client.post(TOKEN, data={"username": authenticated_user.email, "password": "x"})

        async with hub.database.read() as session:
            actions = set(await session.scalars(select(Activity.action)))
        assert {"auth.sign_in_failed", "auth.signed_in", "user.created"} <= actions

    async def test_a_form_without_password_is_422(self, client: httpx2.AsyncClient) -> None:
        answer = await client.post(TOKEN, data={"username": "me"})

        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


class TestThrottling:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        auth = AuthSettings(login_failures=3, login_failures_per_address=8)
        return settings.model_copy(update={"auth": auth})

    async def fail(self, client: httpx2.AsyncClient, name: str) -> int:
        answer = await client.post(TOKEN, data={"username": name, "password": "Wrong-horse7!"})
        return answer.status_code

    async def test_guessing_one_account_ends_soon_and_says_when_to_come_back(
        self, client: httpx2.AsyncClient, authenticated_user: Person
    ) -> None:
        statuses = [await self.fail(client, authenticated_user.email) for _ in range(4)]
        right = await client.post(
            TOKEN, data={"username": authenticated_user.email, "password": PASSWORD}
        )

        assert statuses == [401, 401, 401, 429]
        assert (right.status_code, right.json()["code"]) == (429, "too_many_attempts")
        assert 1 <= int(right.headers["retry-after"]) <= 900

    async def test_a_stranger_locks_nobody_out(
        self, app: httpx2.ASGITransport, authenticated_user: Person
    ) -> None:
        async def from_address(address: str) -> httpx2.AsyncClient:
            transport = httpx2.ASGITransport(app, client=(address, 1))  # type: ignore[arg-type]
            return httpx2.AsyncClient(transport=transport, base_url="http://localhost")

        async with await from_address("192.0.2.1") as stranger:
            for _ in range(5):
                last = await self.fail(stranger, authenticated_user.email)
        async with await from_address("192.0.2.2") as owner:
            mine = await owner.post(
                TOKEN, data={"username": authenticated_user.email, "password": PASSWORD}
            )

        assert (last, mine.status_code) == (429, 200)

    async def test_guessing_many_accounts_from_one_address_ends_too(
        self, client: httpx2.AsyncClient
    ) -> None:
        statuses = [await self.fail(client, f"user{number}") for number in range(9)]

        assert statuses == [401] * 8 + [429]

    async def test_a_burst_gets_no_further(
        self, client: httpx2.AsyncClient, authenticated_user: Person
    ) -> None:
        statuses = await asyncio.gather(
            *(self.fail(client, authenticated_user.email) for _ in range(20))
        )

        # two may be hashing when the third failure is counted
        assert statuses.count(401) <= 3 + 2
        assert statuses.count(429) >= 15


class TestRefreshing:
    async def test_gives_the_next_pair_and_uses_the_token_up(
        self, client: httpx2.AsyncClient, authenticated_user: Person
    ) -> None:
        old = authenticated_user.tokens["refresh_token"]

        next_pair = (await client.post(REFRESH, json={"refresh_token": old})).json()
        me = await client.get(ME, headers=bearer(next_pair))

        assert next_pair["refresh_token"] != old
        assert me.status_code == 200

    async def test_a_token_used_twice_ends_its_session_and_no_other(
        self, client: httpx2.AsyncClient, authenticated_user: Person
    ) -> None:
        other = await sign_in(client, authenticated_user.email)
        old = authenticated_user.tokens["refresh_token"]
        stolen = (await client.post(REFRESH, json={"refresh_token": old})).json()

        reused = await client.post(REFRESH, json={"refresh_token": old})
        after = await client.post(REFRESH, json={"refresh_token": stolen["refresh_token"]})
        access = await client.get(ME, headers=bearer(stolen))
        elsewhere = await client.get(ME, headers=bearer(other))

        assert (reused.status_code, reused.json()["code"]) == (401, "refresh_reused")
        assert (after.status_code, access.status_code) == (401, 401)
        assert elsewhere.status_code == 200

    async def test_of_many_at_once_one_wins_at_most(
        self, client: httpx2.AsyncClient, authenticated_user: Person
    ) -> None:
        body = {"refresh_token": authenticated_user.tokens["refresh_token"]}

        answers = await asyncio.gather(*(client.post(REFRESH, json=body) for _ in range(8)))

        assert sorted(a.status_code for a in answers)[:2] == [200, 401]
        me = await authenticated_user.client.get(ME)
        assert me.status_code == 401

    async def test_the_token_itself_is_not_in_the_database(
        self, authenticated_user: Person, hub: Resources
    ) -> None:
        async with hub.database.read() as session:
            stored = list(await session.scalars(select(RefreshToken.fingerprint)))

        assert all(
            authenticated_user.tokens["refresh_token"].encode() not in fingerprint
            for fingerprint in stored
        )

    @pytest.mark.parametrize("token", ["", "x", "ü", "a" * 201, "a\x00b"])
    async def test_a_made_up_token_is_refused(self, client: httpx2.AsyncClient, token: str) -> None:
        answer = await client.post(REFRESH, json={"refresh_token": token})

        assert answer.status_code in {401, 422}


class TestSessions:
    async def test_are_listed_and_ended_one_by_one(
        self, client: httpx2.AsyncClient, authenticated_user: Person, other_user: Person
    ) -> None:
        other = await sign_in(client, authenticated_user.email)
        listed = (await authenticated_user.client.get("/api/v1/auth/sessions")).json()
        elsewhere = next(row for row in listed if not row["current"])
        path = f"/api/v1/auth/sessions/{elsewhere['id']}"

        by_stranger = await other_user.client.delete(path)
        ended = await authenticated_user.client.delete(path)
        again = await authenticated_user.client.delete(path)

        assert [row["current"] for row in listed].count(True) == 1
        assert (by_stranger.status_code, ended.status_code, again.status_code) == (404, 204, 404)
        assert (await client.get(ME, headers=bearer(other))).status_code == 401
        assert (await authenticated_user.client.get(ME)).status_code == 200

    async def test_all_others_end_at_once(
        self, client: httpx2.AsyncClient, authenticated_user: Person
    ) -> None:
        others = [await sign_in(client, authenticated_user.email) for _ in range(2)]

        answer = await authenticated_user.client.delete("/api/v1/auth/sessions")

        assert answer.status_code == 204
        for tokens in others:
            assert (await client.get(ME, headers=bearer(tokens))).status_code == 401
        assert (await authenticated_user.client.get(ME)).status_code == 200

    async def test_signing_out_ends_access_and_refresh(
        self, client: httpx2.AsyncClient, authenticated_user: Person
    ) -> None:
        answer = await authenticated_user.client.post("/api/v1/auth/logout")
        refreshed = await client.post(
            REFRESH, json={"refresh_token": authenticated_user.tokens["refresh_token"]}
        )

        assert answer.status_code == 204
        assert (await authenticated_user.client.get(ME)).status_code == 401
        assert refreshed.status_code == 401

    async def test_a_session_ends_by_itself(
        self, hub: Resources, authenticated_user: Person, client: httpx2.AsyncClient
    ) -> None:
        clock = ManualClock(hub.clock.now() + timedelta(days=31))
        object.__setattr__(hub, "clock", clock)

        answer = await client.post(
            REFRESH, json={"refresh_token": authenticated_user.tokens["refresh_token"]}
        )

        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
