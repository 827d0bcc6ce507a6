import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from hubbub.activity.models import Activity
from hubbub.auth.errors import InvalidCredentials, InvalidToken
from hubbub.auth.models import RefreshToken
from hubbub.auth.schemas import ApiKeyCreate, InvitationCreate, PasswordChange
from hubbub.auth.service import api_keys, invitations, passwords, sessions
from hubbub.auth.tokens import Tokens
from hubbub.auth.types import Caller, Scope
from hubbub.kit.clock import ManualClock
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.resources import Resources
from hubbub.settings import AuthSettings, Settings
from hubbub.users.queries import find_for_sign_in
from hubbub.users.types import Role
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

    async def test_what_no_database_can_hold_is_just_wrong(
        self, client: httpx2.AsyncClient
    ) -> None:
        # a form may name its charset, and this one makes halves of characters
        half = b"".join(
            b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n\\ud800\r\n' % name
            for name in (b"username", b"password")
        )
        headers = {"Content-Type": "multipart/form-data; boundary=x; charset=unicode_escape"}

        answer = await client.post(TOKEN, content=half + b"--x--\r\n", headers=headers)

        assert answer.status_code == 401

    async def test_an_address_of_any_length_is_kept_as_far_as_it_fits(
        self, app: FastAPI, people: MakePerson
    ) -> None:
        person = await people()
        odd = httpx2.ASGITransport(app, client=("x" * 100, 1))
        async with httpx2.AsyncClient(transport=odd, base_url="http://localhost") as client:
            await sign_in(client, person.email)

        listed = (await person.client.get("/api/v1/auth/sessions")).json()["items"]

        assert "x" * 64 in {session["address"] for session in listed}

    async def test_a_failed_attempt_is_written_down(
        self, client: httpx2.AsyncClient, authenticated_user: Person, hub: Resources
    ) -> None:
        await client.post(TOKEN, data={"username": authenticated_user.email, "password": "x"})

        async with hub.database.read() as session:
            actions = set(await session.scalars(select(Activity.action)))
        assert {"auth.sign_in_failed", "auth.signed_in", "user.account_created"} <= actions

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

    async def test_an_account_has_no_more_guesses_for_having_two_names(
        self, client: httpx2.AsyncClient, authenticated_user: Person
    ) -> None:
        by_address = [await self.fail(client, authenticated_user.email) for _ in range(3)]

        right = {"username": authenticated_user.username.upper(), "password": PASSWORD}
        answers = [await client.post(TOKEN, data=right) for _ in range(4)]

        # not 429 at once: that would tell a stranger that the two names are one account's
        assert by_address == [401] * 3
        assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
        assert answers[0].json()["code"] == "invalid_credentials"

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
        listed = (await authenticated_user.client.get("/api/v1/auth/sessions")).json()["items"]
        elsewhere = next(row for row in listed if not row["current"])
        path = f"/api/v1/auth/sessions/{elsewhere['id']}"

        by_stranger = await other_user.client.delete(path)
        ended = await authenticated_user.client.delete(path)
        again = await authenticated_user.client.delete(path)

        assert [row["current"] for row in listed].count(True) == 1
        assert (by_stranger.status_code, ended.status_code, again.status_code) == (404, 204, 404)
        assert (await client.get(ME, headers=bearer(other))).status_code == 401
        assert (await authenticated_user.client.get(ME)).status_code == 200

    async def test_are_listed_page_by_page_newest_first(
        self, client: httpx2.AsyncClient, authenticated_user: Person
    ) -> None:
        for _ in range(3):
            await sign_in(client, authenticated_user.email)
        seen: list[dict[str, Any]] = []
        params: dict[str, str] = {"limit": "3"}

        while True:
            answer = await authenticated_user.client.get("/api/v1/auth/sessions", params=params)
            assert len(answer.json()["items"]) <= 3
            seen += answer.json()["items"]
            if (cursor := answer.json()["next_cursor"]) is None:
                break
            params["cursor"] = cursor

        assert len({row["id"] for row in seen}) == len(seen) == 4
        begun = [row["created_at"] for row in seen]
        assert begun == sorted(begun, reverse=True)
        assert [row["current"] for row in seen] == [False, False, False, True]

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


class TestBeingOvertaken:
    """Credentials are checked before the transaction begins, and a password takes its time."""

    def tokens(self, hub: Resources) -> Tokens:
        return Tokens(hub.keys, hub.settings.auth, hub.clock)

    async def write(
        self, hub: Resources, act: Callable[[AsyncWriteSession], Awaitable[object]]
    ) -> None:
        async with hub.database.write() as session:
            await act(session)

    def caller(self, person: Person, hub: Resources) -> Caller:
        claims = self.tokens(hub).read_access(person.tokens["access_token"])
        assert claims is not None
        return Caller(person.id, Role.ADMIN, frozenset(Scope), session_id=claims.session_id)

    @pytest.mark.parametrize("event", ["another password", "deactivated", "deleted"])
    async def test_no_session_begins_after_those_before_were_ended(
        self, people: MakePerson, hub: Resources, admin: Person, event: str
    ) -> None:
        person = await people()
        async with hub.database.read() as session:
            checked = await find_for_sign_in(session, person.id)
        match event:
            case "another password":
                change = {"current_password": PASSWORD, "new_password": "New-password7!"}
                await person.client.post("/api/v1/auth/password", json=change)
            case "deactivated":
                await admin.client.patch(person.path, json={"is_active": False})
            case _:
                await admin.client.delete(person.path)

        attempt = sessions.Attempt(checked, None, None)
        with pytest.raises(InvalidCredentials):
            await self.write(hub, lambda s: sessions.sign_in(s, self.tokens(hub), attempt))

    async def test_no_password_is_set_by_an_ended_session(
        self, authenticated_user: Person, hub: Resources
    ) -> None:
        caller = self.caller(authenticated_user, hub)
        await authenticated_user.client.post("/api/v1/auth/logout")
        change = PasswordChange.model_validate(
            {"current_password": PASSWORD, "new_password": "New-password7!"}
        )

        with pytest.raises(InvalidToken):
            await self.write(
                hub, lambda s: passwords.change_password(s, self.tokens(hub), caller, change)
            )

    async def test_somebody_deleted_makes_nothing_any_more(
        self, people: MakePerson, hub: Resources, admin: Person
    ) -> None:
        person = await people(Role.ADMIN)
        caller = self.caller(person, hub)
        await admin.client.delete(person.path)

        key, invitation = ApiKeyCreate(name="late"), InvitationCreate()
        with pytest.raises(InvalidToken):
            await self.write(hub, lambda s: api_keys.create_api_key(s, caller, key))
        with pytest.raises(InvalidToken):
            await self.write(
                hub, lambda s: invitations.invite(s, self.tokens(hub), caller, invitation, "")
            )
