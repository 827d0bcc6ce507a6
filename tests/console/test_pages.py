import httpx2
import pytest
from fastapi import FastAPI
from starlette.types import Message

from hubbub.auth.service import setup
from hubbub.kit.db.database import DatabaseUnavailable
from hubbub.kit.resources import Resources
from hubbub.settings import Environment, Settings
from tests.fixtures.factories import PASSWORD, sign_up_body
from tests.fixtures.mail import Inbox
from tests.fixtures.people import Person, sign_in


@pytest.fixture
def account() -> dict[str, str]:
    return {name: str(value) for name, value in sign_up_body().items()}


class TestHome:
    async def test_says_what_this_is_and_where_to_go(self, client: httpx2.AsyncClient) -> None:
        page = await client.get("/")

        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        assert "message hub" in page.text
        assert 'href="/docs"' in page.text
        assert "no admin yet" in page.text

    async def test_answers_a_probe(self, client: httpx2.AsyncClient) -> None:
        assert (await client.head("/")).status_code == 200

    async def test_its_style_is_served_and_nothing_runs(self, client: httpx2.AsyncClient) -> None:
        page = await client.get("/")
        style = await client.get("/static/hubbub.css")

        assert style.status_code == 200
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy

    class TestInProduction:
        @pytest.fixture
        def settings(self, settings: Settings) -> Settings:
            return settings.model_copy(update={"environment": Environment.PRODUCTION})

        async def test_shows_no_documentation(self, client: httpx2.AsyncClient) -> None:
            assert "/docs" not in (await client.get("/")).text


class TestSetup:
    async def test_the_printed_link_makes_one_admin(
        self, client: httpx2.AsyncClient, hub: Resources, account: dict[str, str]
    ) -> None:
        token = setup.setup_token(hub.keys)
        form = await client.get("/setup", params={"token": token})

        made = await client.post("/setup", data=account | {"token": token})
        again = await client.post(
            "/setup", data={**account, "email": "x@example.com", "username": "x", "token": token}
        )
        tokens = await sign_in(client, account["email"])
        me = await client.get(
            "/api/v1/auth/me", headers={"Authorization": f"Bearer {tokens['access_token']}"}
        )

        assert 'name="email"' in form.text
        assert (made.status_code, again.status_code) == (200, 422)
        assert "first admin already" in again.text
        assert me.json()["user"]["role"] == "admin"
        assert "is set up" in (await client.get("/setup", params={"token": token})).text

    @pytest.mark.parametrize("token", ["", "x", "ü", "A" * 64])
    async def test_without_the_link_there_is_no_form(
        self, client: httpx2.AsyncClient, token: str, account: dict[str, str]
    ) -> None:
        shown = await client.get("/setup", params={"token": token})
        done = await client.post("/setup", data=account | {"token": token})

        assert (shown.status_code, done.status_code) == (403, 403)
        assert 'name="email"' not in shown.text

    async def test_what_is_wrong_is_said_and_what_was_typed_is_kept_escaped(
        self, client: httpx2.AsyncClient, hub: Resources, account: dict[str, str]
    ) -> None:
        token = setup.setup_token(hub.keys)
        typed = account | {"token": token, "full_name": '"><script>x</script>', "password": "weak"}

        page = await client.post("/setup", data=typed)

        assert page.status_code == 422
        assert "<script>" not in page.text
        assert "&lt;script&gt;" in page.text
        assert "password:" in page.text
        assert 'value="weak"' not in page.text


class TestJoin:
    async def test_an_invitation_is_accepted_by_form(
        self, client: httpx2.AsyncClient, admin: Person, account: dict[str, str]
    ) -> None:
        link = (await admin.client.post("/api/v1/auth/invitations", json={})).json()["link"]
        form = await client.get(link)

        joined = await client.post("/join", data=account | {"token": link.partition("token=")[2]})
        again = await client.post("/join", data=account | {"token": link.partition("token=")[2]})

        assert form.status_code == 200
        assert (joined.status_code, again.status_code) == (200, 422)
        await sign_in(client, account["email"])

    async def test_without_one_nobody_joins(
        self, client: httpx2.AsyncClient, account: dict[str, str]
    ) -> None:
        answer = await client.post("/join", data=account | {"token": "x"})

        assert answer.status_code == 422
        assert "invitation" in answer.text


class TestReset:
    async def test_a_new_password_by_form(
        self, client: httpx2.AsyncClient, authenticated_user: Person, inbox: Inbox
    ) -> None:
        await client.post("/api/v1/auth/password-reset", json={"email": authenticated_user.email})
        mail = await inbox.next()
        link = next(line for line in mail.text.splitlines() if "/reset?token=" in line)
        form = await client.get(link)

        weak = await client.post(
            "/reset", data={"token": link.partition("token=")[2], "new_password": "weak"}
        )
        done = await client.post(
            "/reset", data={"token": link.partition("token=")[2], "new_password": "New-password7!"}
        )

        assert (form.status_code, weak.status_code, done.status_code) == (200, 422, 200)
        await sign_in(client, authenticated_user.email, "New-password7!")


class TestNamedOtherwise:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"app_name": "Agora & Co"})

    @pytest.mark.parametrize("path", ["/", "/setup", "/join?token=x", "/reset?token=x"])
    async def test_a_page_bears_the_name_of_the_hub(
        self, client: httpx2.AsyncClient, path: str
    ) -> None:
        page = await client.get(path)

        assert "· Agora &amp; Co</title>" in page.text
        assert '<a href="/">Agora &amp; Co</a>' in page.text

    async def test_so_does_the_documentation(self, client: httpx2.AsyncClient) -> None:
        assert "· Agora &amp; Co</title>" in (await client.get("/docs")).text


@pytest.mark.parametrize("path", ["/setup", "/join", "/reset"])
async def test_without_its_database_a_form_says_to_come_back(
    client: httpx2.AsyncClient,
    hub: Resources,
    monkeypatch: pytest.MonkeyPatch,
    account: dict[str, str],
    path: str,
) -> None:
    def broken() -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(hub.database, "write", broken)
    typed = account | {"token": setup.setup_token(hub.keys), "new_password": PASSWORD}

    answer = await client.post(path, data=typed)

    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize("path", ["/setup", "/join", "/reset"])
async def test_hostile_forms_are_refused_calmly(client: httpx2.AsyncClient, path: str) -> None:
    many = await client.post(path, data={f"field{number}": "x" for number in range(100)})
    file = await client.post(path, files={"token": b"x"})
    broken = await client.post(
        path, content=b"\xff%zz", headers={"Content-Type": "multipart/form-data"}
    )
    nul = await client.post(path, data={"token": "\x00", "email": "a\x00@example.com"})
    long = await client.get(path, params={"token": "a" * 1000})
    half = await client.post(
        path,
        content=b'--x\r\nContent-Disposition: form-data; name="token"\r\n\r\n\\ud800\r\n--x--\r\n',
        headers={"Content-Type": "multipart/form-data; boundary=x; charset=unicode_escape"},
    )

    assert all(400 <= a.status_code < 500 for a in (many, file, broken, nul, half))
    assert long.status_code < 500


async def test_a_form_that_is_never_sent_to_its_end_is_no_failure_of_ours(app: FastAPI) -> None:
    statuses: list[int] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        statuses.append(message.get("status", 0))

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/join",
        "query_string": b"",
        "headers": [
            (b"host", b"localhost"),
            (b"content-type", b"application/x-www-form-urlencoded"),
        ],
    }
    await app(scope, receive, send)

    assert statuses[0] == 400
