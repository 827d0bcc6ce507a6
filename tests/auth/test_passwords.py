import asyncio
import re
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest

from hubbub.auth import jobs
from hubbub.auth.service.invitations import Invited
from hubbub.auth.service.passwords import ResetAsked
from hubbub.kit.clock import ManualClock
from hubbub.kit.ids import new_id
from hubbub.kit.jobs import GiveUp, JobContext
from hubbub.kit.mail import Mail, MailFailed
from hubbub.kit.resources import Resources
from tests.fixtures.factories import PASSWORD
from tests.fixtures.mail import Inbox
from tests.fixtures.people import Person, sign_in

RESET = "/api/v1/auth/password-reset"
NEW = "New-password7!"


class TestChanging:
    async def test_needs_the_current_one_and_ends_the_other_sessions(
        self, client: httpx2.AsyncClient, authenticated_user: Person
    ) -> None:
        other = await sign_in(client, authenticated_user.email)
        wrong = await authenticated_user.client.post(
            "/api/v1/auth/password", json={"current_password": "x", "new_password": NEW}
        )
        right = await authenticated_user.client.post(
            "/api/v1/auth/password", json={"current_password": PASSWORD, "new_password": NEW}
        )
        old = await client.post(
            "/api/v1/auth/token", data={"username": authenticated_user.email, "password": PASSWORD}
        )
        elsewhere = await client.get(
            "/api/v1/auth/me", headers={"Authorization": f"Bearer {other['access_token']}"}
        )

        assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_password")
        assert right.status_code == 204
        assert (old.status_code, elsewhere.status_code) == (401, 401)
        assert (await authenticated_user.client.get("/api/v1/auth/me")).status_code == 200
        await sign_in(client, authenticated_user.email, NEW)

    async def test_a_weak_one_is_refused_without_being_repeated(
        self, authenticated_user: Person
    ) -> None:
        answer = await authenticated_user.client.post(
            "/api/v1/auth/password",
            json={"current_password": PASSWORD, "new_password": "weak-and-secret"},
        )

        assert answer.status_code == 422
        assert "weak-and-secret" not in answer.text
        assert PASSWORD not in answer.text


class TestReset:
    async def token_from(self, inbox: Inbox) -> str:
        mail = await inbox.next()
        found = re.search(r"/reset\?token=([\w=-]+)", mail.text)
        assert found is not None
        return found[1]

    async def test_a_mailed_link_sets_a_new_password_once(
        self, client: httpx2.AsyncClient, authenticated_user: Person, inbox: Inbox
    ) -> None:
        asked = await client.post(RESET, json={"email": authenticated_user.email.upper()})
        token = await self.token_from(inbox)
        body = {"token": token, "new_password": NEW}

        first = await client.post(f"{RESET}/confirm", json=body)
        second = await client.post(f"{RESET}/confirm", json=body)

        assert (asked.status_code, first.status_code) == (202, 204)
        assert (second.status_code, second.json()["code"]) == (400, "reset_expired")
        assert (await authenticated_user.client.get("/api/v1/auth/me")).status_code == 401
        await sign_in(client, authenticated_user.email, NEW)

    @pytest.mark.parametrize("by", ["reset", "change of password", "change of address"])
    async def test_what_secures_the_account_ends_the_links_before(
        self, client: httpx2.AsyncClient, authenticated_user: Person, inbox: Inbox, by: str
    ) -> None:
        me = authenticated_user
        await client.post(RESET, json={"email": me.email})
        older = await self.token_from(inbox)
        match by:
            case "reset":
                await client.post(RESET, json={"email": me.email})
                newer = {"token": await self.token_from(inbox), "new_password": NEW}
                done = await client.post(f"{RESET}/confirm", json=newer)
            case "change of password":
                change = {"current_password": PASSWORD, "new_password": NEW}
                done = await me.client.post("/api/v1/auth/password", json=change)
            case _:
                moved = {"email": "moved@example.com", "current_password": PASSWORD}
                done = await me.client.patch(me.path, json=moved)

        late = await client.post(f"{RESET}/confirm", json={"token": older, "new_password": NEW})

        assert done.is_success
        assert (late.status_code, late.json()["code"]) == (400, "reset_expired")

    async def test_of_two_at_once_one_wins(
        self, client: httpx2.AsyncClient, authenticated_user: Person, inbox: Inbox
    ) -> None:
        await client.post(RESET, json={"email": authenticated_user.email})
        token = await self.token_from(inbox)

        answers = await asyncio.gather(
            *(
                client.post(
                    f"{RESET}/confirm", json={"token": token, "new_password": f"{NEW}{number}"}
                )
                for number in range(4)
            )
        )

        assert sorted(a.status_code for a in answers) == [204, 400, 400, 400]

    async def test_the_answer_is_the_same_for_an_unknown_address(
        self, client: httpx2.AsyncClient, authenticated_user: Person, inbox: Inbox
    ) -> None:
        unknown = await client.post(RESET, json={"email": "nobody@example.com"})
        known = await client.post(RESET, json={"email": authenticated_user.email})

        assert (unknown.status_code, unknown.content) == (known.status_code, known.content)
        assert (await inbox.next()).to == authenticated_user.email

    async def test_a_link_ends_with_time(
        self, client: httpx2.AsyncClient, authenticated_user: Person, inbox: Inbox, hub: Resources
    ) -> None:
        await client.post(RESET, json={"email": authenticated_user.email})
        token = await self.token_from(inbox)
        object.__setattr__(hub, "clock", ManualClock(hub.clock.now() + timedelta(minutes=61)))

        answer = await client.post(f"{RESET}/confirm", json={"token": token, "new_password": NEW})

        assert answer.status_code == 400

    async def test_a_job_that_runs_twice_mails_the_same_link(
        self, authenticated_user: Person, inbox: Inbox, hub: Resources
    ) -> None:
        context = JobContext(hub, new_id(), 1)
        for _ in range(2):
            await jobs.mail_reset(context, ResetAsked(email=authenticated_user.email))

        assert (await inbox.next()).text == (await inbox.next()).text

    async def test_mails_are_not_sent_without_end(
        self, client: httpx2.AsyncClient, authenticated_user: Person
    ) -> None:
        statuses = [
            (await client.post(RESET, json={"email": authenticated_user.email})).status_code
            for _ in range(11)
        ]

        assert statuses == [202] * 10 + [429]

    @pytest.mark.parametrize("token", ["x", "ü", "A" * 64, "a" * 201, ""])
    async def test_a_made_up_token_is_refused(self, client: httpx2.AsyncClient, token: str) -> None:
        answer = await client.post(f"{RESET}/confirm", json={"token": token, "new_password": NEW})

        assert answer.status_code in {400, 422}


class Refusing:
    """A mailer that no mail gets through."""

    def __init__(self, *, retryable: bool) -> None:
        self._retryable = retryable

    async def send(self, mail: Mail) -> None:
        del mail
        raise MailFailed("the mail server answered", retryable=self._retryable)


class TestMailThatIsRefused:
    @pytest.mark.parametrize(("retryable", "raised"), [(True, MailFailed), (False, GiveUp)])
    async def test_is_tried_again_unless_it_is_refused_for_good(
        self,
        admin: Person,
        inbox: Inbox,
        hub: Resources,
        retryable: bool,
        raised: type[Exception],
    ) -> None:
        invitation = {"email": "invited@example.com"}
        made = await admin.client.post("/api/v1/auth/invitations", json=invitation)
        await inbox.next()
        object.__setattr__(hub, "mailer", Refusing(retryable=retryable))
        context = JobContext(hub, new_id(), 1)

        with pytest.raises(raised):
            await jobs.mail_reset(context, ResetAsked(email=admin.email))
        with pytest.raises(raised):
            await jobs.mail_invitation(context, Invited(invitation_id=UUID(made.json()["id"])))


class TestInvitationMail:
    async def test_an_address_is_mailed_the_link_of_the_answer(
        self, admin: Person, inbox: Inbox
    ) -> None:
        answer = await admin.client.post(
            "/api/v1/auth/invitations", json={"email": "invited@example.com"}
        )

        mail = await inbox.next()

        assert mail.to == "invited@example.com"
        assert answer.json()["link"] in mail.text

    async def test_members_invite_nobody(self, authenticated_user: Person) -> None:
        answer = await authenticated_user.client.post("/api/v1/auth/invitations", json={})

        assert (answer.status_code, answer.json()["code"]) == (403, "admins_only")
