from uuid import uuid4

import httpx2
import pytest
from pydantic import SecretStr, TypeAdapter, ValidationError

from hubbub.settings import AuthSettings, Settings, SignUp
from hubbub.users.schemas import NewPassword, check_password
from hubbub.users.types import Role
from tests.fixtures.factories import PASSWORD, sign_up_body
from tests.fixtures.people import MakePerson, Person, sign_in

USERS = "/api/v1/users"


class TestWithoutCredential:
    @pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
    async def test_a_user_is_out_of_reach(self, client: httpx2.AsyncClient, method: str) -> None:
        answer = await client.request(
            method, f"{USERS}/{uuid4()}", json={} if method == "PATCH" else None
        )

        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json()["code"] == "unauthenticated"

    async def test_the_list_is_out_of_reach(self, client: httpx2.AsyncClient) -> None:
        assert (await client.get(USERS)).status_code == 401


class TestSignUp:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"auth": AuthSettings(sign_up=SignUp.OPEN)})

    async def test_makes_a_member(self, client: httpx2.AsyncClient) -> None:
        body = sign_up_body(website="https://example.com/me")

        answer = await client.post(USERS, json=body)

        assert answer.status_code == 201
        user = answer.json()
        assert (user["email"], user["role"], user["is_active"]) == (body["email"], "member", True)
        assert user["website"] == "https://example.com/me"
        assert user["created_at"].endswith("Z")
        assert "password" not in answer.text

    async def test_address_and_username_are_unique_whatever_their_case(
        self, client: httpx2.AsyncClient
    ) -> None:
        first = sign_up_body(email="Ada@Example.com", username="Ada")
        await client.post(USERS, json=first)

        same_address = await client.post(USERS, json=sign_up_body(email="ADA@example.COM"))
        same_name = await client.post(USERS, json=sign_up_body(username="aDA"))

        assert (same_address.status_code, same_address.json()["code"]) == (409, "email_taken")
        assert same_address.json()["title"] == "Email already taken"
        assert (same_name.status_code, same_name.json()["code"]) == (409, "username_taken")

    async def test_a_name_may_grow_when_its_case_is_folded(
        self, client: httpx2.AsyncClient
    ) -> None:
        answer = await client.post(USERS, json=sign_up_body(full_name="\u0390" * 100))

        assert answer.status_code == 201

    async def test_a_website_is_as_long_as_it_is_stored(self, client: httpx2.AsyncClient) -> None:
        answer = await client.post(
            USERS, json=sign_up_body(website=f"https://example.com/{' a' * 900}")
        )

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["loc"] == ["body", "website"]

    async def test_nobody_makes_himself_an_admin(self, client: httpx2.AsyncClient) -> None:
        answer = await client.post(USERS, json=sign_up_body(role="admin"))

        assert (answer.status_code, answer.json()["code"]) == (403, "admins_only")

    @pytest.mark.parametrize(
        "change",
        [
            {"email": "nobody"},
            {"username": ""},
            {"username": "with space"},
            {"username": "newline\n"},
            {"username": "a" * 129},
            {"full_name": "   "},
            {"full_name": "a" * 101},
            {"full_name": "two\nlines"},
            {"full_name": "nul\x00"},
            {"website": "javascript:alert(1)"},
            {"password": "Short1!"},
            {"password": "a" * 129},
        ],
    )
    async def test_refuses_what_is_not_acceptable(
        self, client: httpx2.AsyncClient, change: dict[str, object]
    ) -> None:
        answer = await client.post(USERS, json=sign_up_body(**change))

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["loc"] == ["body", next(iter(change))]

    @pytest.mark.parametrize("name", ["is_active", "id", "password_hash", "age"])
    async def test_a_field_that_is_not_his_to_give_is_refused(
        self, client: httpx2.AsyncClient, name: str
    ) -> None:
        answer = await client.post(USERS, json=sign_up_body(**{name: "1"}))

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["type"] == "extra_forbidden"

    @pytest.mark.parametrize(
        ("password", "missing"),
        [
            ("PASSWORD1!", "a lowercase letter"),
            ("password1!", "an uppercase letter"),
            ("Password!!", "a digit"),
            ("Password11", "one of @$!%*?&"),
            ("Password1!\n", "control characters"),
        ],
    )
    def test_a_weak_password_is_told_what_it_lacks(self, password: str, missing: str) -> None:
        with pytest.raises(ValueError, match="Password must contain") as caught:
            check_password(password)

        assert missing in str(caught.value)

    def test_the_field_uses_the_rule(self) -> None:
        with pytest.raises(ValidationError, match="Password must contain"):
            TypeAdapter(NewPassword).validate_python(SecretStr("password"))


class TestSignUpByInvitation:
    async def test_without_one_it_is_refused(self, client: httpx2.AsyncClient) -> None:
        answer = await client.post(USERS, json=sign_up_body())

        assert (answer.status_code, answer.json()["code"]) == (403, "invitation_required")

    async def test_one_lets_one_person_in_with_its_role(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        made = await admin.client.post("/api/v1/auth/invitations", json={"role": "admin"})
        token = made.json()["link"].partition("token=")[2]

        first = await client.post(USERS, json=sign_up_body(invitation=token))
        second = await client.post(USERS, json=sign_up_body(invitation=token))

        assert (first.status_code, first.json()["role"]) == (201, "admin")
        assert (second.status_code, second.json()["code"]) == (403, "invitation_required")

    async def test_one_for_an_address_is_for_that_address(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        made = await admin.client.post(
            "/api/v1/auth/invitations", json={"email": "invited@example.com"}
        )
        token = made.json()["link"].partition("token=")[2]

        other = await client.post(USERS, json=sign_up_body(invitation=token))
        invited = await client.post(
            USERS, json=sign_up_body(invitation=token, email="Invited@example.com")
        )

        assert (other.status_code, invited.status_code) == (403, 201)

    @pytest.mark.parametrize("token", ["x", "ä", "A" * 64, ""])
    async def test_a_made_up_one_is_refused(self, client: httpx2.AsyncClient, token: str) -> None:
        answer = await client.post(USERS, json=sign_up_body(invitation=token))

        assert answer.json()["code"] == "invitation_required"

    async def test_a_revoked_one_is_refused(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        made = (await admin.client.post("/api/v1/auth/invitations", json={})).json()
        gone = await admin.client.delete(f"/api/v1/auth/invitations/{made['id']}")
        again = await admin.client.delete(f"/api/v1/auth/invitations/{made['id']}")

        answer = await client.post(
            USERS, json=sign_up_body(invitation=made["link"].partition("token=")[2])
        )

        assert (gone.status_code, again.status_code) == (204, 404)
        assert answer.status_code == 403

    @pytest.mark.parametrize("change", [{"role": "member"}, {"is_active": False}])
    async def test_one_counts_as_long_as_its_inviter_may_invite(
        self,
        client: httpx2.AsyncClient,
        admin: Person,
        people: MakePerson,
        change: dict[str, object],
    ) -> None:
        deposed = await people(Role.ADMIN)
        made = await deposed.client.post("/api/v1/auth/invitations", json={"role": "admin"})
        await admin.client.patch(deposed.path, json=change)

        answer = await client.post(
            USERS, json=sign_up_body(invitation=made.json()["link"].partition("token=")[2])
        )

        assert (answer.status_code, answer.json()["code"]) == (403, "invitation_required")

    async def test_an_admin_needs_none(self, admin: Person) -> None:
        answer = await admin.client.post(USERS, json=sign_up_body(role="admin"))

        assert (answer.status_code, answer.json()["role"]) == (201, "admin")


class TestSignUpClosed:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"auth": AuthSettings(sign_up=SignUp.CLOSED)})

    async def test_only_admins_make_accounts(
        self, client: httpx2.AsyncClient, authenticated_user: Person, admin: Person
    ) -> None:
        stranger = await client.post(USERS, json=sign_up_body())
        member = await authenticated_user.client.post(USERS, json=sign_up_body())
        by_admin = await admin.client.post(USERS, json=sign_up_body())

        assert stranger.json()["code"] == member.json()["code"] == "sign_up_closed"
        assert by_admin.status_code == 201


class TestReading:
    async def test_one_sees_his_own_address_but_not_that_of_others(
        self, authenticated_user: Person, other_user: Person, admin: Person
    ) -> None:
        own = await authenticated_user.client.get(authenticated_user.path)
        other = await authenticated_user.client.get(other_user.path)
        as_admin = await admin.client.get(other_user.path)

        assert own.json()["email"] == authenticated_user.email
        assert other.json()["email"] is None
        assert as_admin.json()["email"] == other_user.email

    async def test_somebody_unknown_is_404_and_a_malformed_id_422(
        self, authenticated_user: Person
    ) -> None:
        unknown = await authenticated_user.client.get(f"{USERS}/{uuid4()}")
        malformed = await authenticated_user.client.get(f"{USERS}/1")

        assert (unknown.status_code, unknown.json()["title"]) == (404, "User not found")
        assert malformed.status_code == 422

    async def test_the_list_is_searched_sorted_and_paged_by_the_database(
        self, people: MakePerson, admin: Person
    ) -> None:
        for name in ("Zoë Straße", "Ärne 100%", "Berta"):
            await people(full_name=name)

        newest = (await admin.client.get(USERS)).json()["items"]
        by_name = (await admin.client.get(USERS, params={"sort_by": "name"})).json()["items"]
        by_email = (await admin.client.get(USERS, params={"sort_by": "email"})).json()["items"]

        assert [user["full_name"] for user in newest[:3]] == ["Berta", "Ärne 100%", "Zoë Straße"]
        names = [user["full_name"].casefold() for user in by_name]
        assert names == sorted(names)
        emails = [user["email"] for user in by_email]
        assert emails == sorted(emails)

    @pytest.mark.parametrize(
        ("search", "found"),
        [("STRASSE", ["Zoë Straße"]), ("ärne", ["Ärne 100%"]), ("0%", ["Ärne 100%"]), ("_", [])],
    )
    async def test_a_search_takes_every_character_as_it_is(
        self, people: MakePerson, admin: Person, search: str, found: list[str]
    ) -> None:
        for name in ("Zoë Straße", "Ärne 100%", "Berta"):
            await people(full_name=name)

        answer = await admin.client.get(USERS, params={"search": search})

        assert [user["full_name"] for user in answer.json()["items"]] == found

    @pytest.mark.parametrize("sort_by", ["created_at", "name", "email"])
    async def test_pages_hold_everybody_once(
        self, people: MakePerson, admin: Person, sort_by: str
    ) -> None:
        for _ in range(5):
            await people(full_name="The same name")
        seen: list[str] = []
        cursor = None

        while True:
            params = {"limit": "2", "sort_by": sort_by} | ({"cursor": cursor} if cursor else {})
            page = (await admin.client.get(USERS, params=params)).json()
            seen += [user["id"] for user in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break

        assert len(seen) == len(set(seen)) == 6

    async def test_a_cursor_belongs_to_its_order(self, people: MakePerson, admin: Person) -> None:
        await people()
        first = await admin.client.get(USERS, params={"limit": 1, "sort_by": "name"})

        answer = await admin.client.get(
            USERS, params={"cursor": first.json()["next_cursor"], "sort_by": "email"}
        )

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")

    async def test_members_find_nobody_by_address(
        self, authenticated_user: Person, other_user: Person
    ) -> None:
        found = await authenticated_user.client.get(USERS, params={"search": other_user.email})
        sorted_by = await authenticated_user.client.get(USERS, params={"sort_by": "email"})

        assert found.json()["items"] == []
        assert (sorted_by.status_code, sorted_by.json()["code"]) == (403, "admins_only")

    @pytest.mark.parametrize(
        "params",
        [{"limit": 0}, {"limit": 101}, {"search": ""}, {"search": "a" * 101}, {"sort_by": "x"}],
    )
    async def test_refuses_what_is_out_of_bounds(
        self, authenticated_user: Person, params: dict[str, str | int]
    ) -> None:
        answer = await authenticated_user.client.get(USERS, params=params)

        assert answer.status_code == 422


class TestChanging:
    async def test_one_changes_his_own_profile_and_only_what_is_given(
        self, authenticated_user: Person
    ) -> None:
        answer = await authenticated_user.client.patch(
            authenticated_user.path, json={"full_name": " New Name ", "website": None}
        )

        assert answer.status_code == 200
        assert answer.json()["full_name"] == "New Name"
        assert answer.json()["username"] == authenticated_user.username
        assert answer.json()["updated_at"] is not None

    async def test_not_that_of_others(self, authenticated_user: Person, other_user: Person) -> None:
        answer = await authenticated_user.client.patch(other_user.path, json={"full_name": "X"})

        assert (answer.status_code, answer.json()["code"]) == (403, "not_your_account")

    @pytest.mark.parametrize("change", [{"role": "admin"}, {"is_active": True}, {"role": "member"}])
    async def test_a_member_decides_nothing_about_rights(
        self, authenticated_user: Person, change: dict[str, object]
    ) -> None:
        answer = await authenticated_user.client.patch(authenticated_user.path, json=change)

        assert (answer.status_code, answer.json()["code"]) == (403, "admins_only")

    @pytest.mark.parametrize(
        "field", ["email", "username", "full_name", "role", "is_active", "current_password"]
    )
    async def test_null_is_refused_where_there_must_be_a_value(
        self, admin: Person, field: str
    ) -> None:
        answer = await admin.client.patch(admin.path, json={field: None})

        assert answer.status_code == 422

    async def test_a_taken_address_is_409(
        self, admin: Person, authenticated_user: Person, other_user: Person
    ) -> None:
        answer = await admin.client.patch(
            authenticated_user.path, json={"email": other_user.email.upper()}
        )

        assert (answer.status_code, answer.json()["title"]) == (409, "Email already taken")

    async def test_ones_own_address_needs_the_password(
        self, authenticated_user: Person, client: httpx2.AsyncClient
    ) -> None:
        me = authenticated_user
        without = await me.client.patch(me.path, json={"email": "new@example.com"})
        wrong = await me.client.patch(
            me.path, json={"email": "new@example.com", "current_password": "Wrong-horse7!"}
        )
        right = await me.client.patch(
            me.path, json={"email": "new@example.com", "current_password": PASSWORD}
        )

        assert [a.status_code for a in (without, wrong, right)] == [403, 403, 200]
        await sign_in(client, "new@example.com")

    async def test_a_deactivated_user_is_out_at_once_and_hidden(
        self, admin: Person, authenticated_user: Person, other_user: Person
    ) -> None:
        await admin.client.patch(authenticated_user.path, json={"is_active": False})

        own = await authenticated_user.client.get("/api/v1/auth/me")
        seen = await other_user.client.get(authenticated_user.path)
        listed = await other_user.client.get(USERS)
        await admin.client.patch(authenticated_user.path, json={"is_active": True})
        back = await authenticated_user.client.get("/api/v1/auth/me")

        assert own.status_code == 401
        assert seen.status_code == 404
        assert str(authenticated_user.id) not in listed.text
        assert back.status_code == 401  # his sessions ended; he signs in again

    @pytest.mark.parametrize("change", [{"role": "member"}, {"is_active": False}])
    async def test_the_last_admin_stays(self, admin: Person, change: dict[str, object]) -> None:
        answer = await admin.client.patch(admin.path, json=change)

        assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")


class TestDeleting:
    async def test_takes_the_account_and_its_credentials_away(
        self, authenticated_user: Person, admin: Person
    ) -> None:
        answer = await authenticated_user.client.delete(authenticated_user.path)

        assert (answer.status_code, answer.content) == (204, b"")
        assert (await admin.client.get(authenticated_user.path)).status_code == 404
        assert (await authenticated_user.client.get("/api/v1/auth/me")).status_code == 401

    async def test_not_others_nor_the_last_admin_nor_nobody(
        self, authenticated_user: Person, other_user: Person, admin: Person
    ) -> None:
        other = await authenticated_user.client.delete(other_user.path)
        last = await admin.client.delete(admin.path)
        nobody = await admin.client.delete(f"{USERS}/{uuid4()}")

        assert (other.status_code, last.status_code, nobody.status_code) == (403, 409, 404)

    async def test_asks_what_becomes_of_what_he_owns(
        self, people: MakePerson, admin: Person
    ) -> None:
        leaving, heir = await people(Role.ADMIN), await people(Role.ADMIN)
        await leaving.client.post("/api/v1/auth/invitations", json={})

        asked = await admin.client.delete(leaving.path)
        nobody = await admin.client.delete(leaving.path, params={"heir_id": str(uuid4())})
        himself = await admin.client.delete(leaving.path, params={"heir_id": str(leaving.id)})
        passed_on = await admin.client.delete(leaving.path, params={"heir_id": str(heir.id)})

        assert (asked.status_code, asked.json()["owned"]) == (409, {"invitations": 1})
        assert nobody.json()["code"] == himself.json()["code"] == "heir_not_found"
        assert passed_on.status_code == 204
        left = (await admin.client.get("/api/v1/auth/invitations")).json()["items"]
        assert [invitation["inviter_id"] for invitation in left] == [str(heir.id)]

    async def test_discards_what_he_owns_when_told_so(
        self, people: MakePerson, admin: Person
    ) -> None:
        leaving = await people(Role.ADMIN)
        await leaving.client.post("/api/v1/auth/invitations", json={})

        answer = await admin.client.delete(leaving.path, params={"discard": True})

        assert answer.status_code == 204
        assert (await admin.client.get("/api/v1/auth/invitations")).json()["items"] == []
