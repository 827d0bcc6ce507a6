"""What every mailer promises, asked of each: the folder, and SMTP with a real server."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Literal

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pydantic import SecretStr
from structlog.testing import capture_logs

from hubbub.kit.mail import Mail, Mailer, MailFailed
from hubbub.kit.mail.folder import FolderMailer
from hubbub.kit.mail.smtp import SmtpMailer
from hubbub.settings import MailSettings
from tests.fixtures.peers import free_port

SENDER = '"Hübbub, the hub" <hub@example.org>'
MAIL = Mail(to="ada@example.org", subject="Hello", text="How are you?\n")


@dataclass
class Inbox:
    """A mail server's side: keeps what comes, and answers as it is told."""

    received: list[Envelope] = field(default_factory=list)
    answer: str = "250 taken"
    recipients_answer: str = "250 ok"

    # named and called by the server
    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session, options
        if self.recipients_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipients_answer

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        del server, session
        if self.answer.startswith("250"):
            self.received.append(envelope)
        return self.answer


@dataclass
class Post:
    """A mailer, and how to read what it has sent."""

    mailer: Mailer
    contents: Callable[[], list[bytes]]

    def messages(self) -> list[EmailMessage]:
        return [message_from_bytes(raw, policy=policy.SMTP) for raw in self.contents()]


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def server(inbox: Inbox) -> Iterator[int]:
    """The port of a mail server on loopback."""
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port(), enable_SMTPUTF8=True)
    controller.start()
    yield controller.port
    controller.stop()


def smtp(port: int, tls: Literal["starttls", "tls", "none"] = "none", **more: object) -> SmtpMailer:
    settings = MailSettings(
        smtp_host="127.0.0.1",
        smtp_port=port,
        smtp_tls=tls,
        sender=SENDER,
        **more,
    )
    return SmtpMailer(settings, timeout=5)


@pytest.fixture(params=["folder", "smtp"])
async def post(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Post]:
    if request.param == "folder":
        folder = tmp_path / "mail"
        yield Post(
            FolderMailer(folder, SENDER),
            lambda: [path.read_bytes() for path in sorted(folder.glob("*.eml"))],
        )
        return
    inbox: Inbox = request.getfixturevalue("inbox")
    port: int = request.getfixturevalue("server")
    yield Post(smtp(port), lambda: [_bytes(envelope) for envelope in inbox.received])


def _bytes(envelope: Envelope) -> bytes:
    assert isinstance(envelope.content, bytes)
    return envelope.content


def _lines(message: EmailMessage) -> str:
    """The text, with its lines ended as here: in a mail each ends with CR LF."""
    return str(message.get_content()).replace("\r\n", "\n")


@pytest.mark.parametrize(
    "text",
    ["plain\n", "Grüße, 世界 🎉\n", "x" * 5000 + "\n", "ü" * 3000 + "\n", ".\n..\n.dot\nFrom me\n"],
    ids=["plain", "unicode", "long", "long-unicode", "dots"],
)
async def test_the_content_arrives_as_it_is(post: Post, text: str) -> None:
    await post.mailer.send(Mail(MAIL.to, "Zürich → 東京 " * 20, text))

    (message,) = post.messages()
    assert _lines(message) == text
    assert str(message["Subject"]).strip() == ("Zürich → 東京 " * 20).strip()


async def test_text_and_html_go_as_alternatives(post: Post) -> None:
    await post.mailer.send(Mail(MAIL.to, "Hi", "text\n", "<p>Grüße</p>\n"))

    (message,) = post.messages()
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "text/html"]
    html = message.get_body(("html",))
    assert isinstance(html, EmailMessage)
    assert _lines(html) == "<p>Grüße</p>\n"


async def test_the_headers_that_a_mail_needs(post: Post) -> None:
    await post.mailer.send(MAIL)
    await post.mailer.send(MAIL)

    first, second = post.messages()
    assert str(first["From"].addresses[0].addr_spec) == "hub@example.org"
    assert first["From"].addresses[0].display_name == "Hübbub, the hub"
    assert str(first["To"]) == "ada@example.org"
    assert first["Date"].datetime.tzinfo is not None
    assert first["Message-ID"].endswith("@example.org>")
    assert first["Message-ID"] != second["Message-ID"]


@pytest.mark.parametrize(
    "mail",
    [
        Mail("ada@example.org", "Hi\nBcc: eve@example.org", "text"),
        Mail("ada@example.org", "Hi\r\n\r\nanother body", "text"),
        Mail("ada@example.org\nBcc: eve@example.org", "Hi", "text"),
        Mail("ada@example.org\r\nDATA", "Hi", "text"),
        Mail("ada@example.org, eve@example.org", "Hi", "text"),
        Mail("Eve <eve@example.org>, ada@example.org", "Hi", "text"),
        Mail("ada@example.org> NOTIFY=NEVER", "Hi", "text"),
        Mail("no address", "Hi", "text"),
        Mail("", "Hi", "text"),
        Mail("ada@example.org", "Hi", "half a character: \ud83d"),
    ],
    ids=range(10),
)
async def test_what_would_write_headers_of_its_own_is_refused(post: Post, mail: Mail) -> None:
    with pytest.raises(MailFailed) as failed:
        await post.mailer.send(mail)

    assert not failed.value.retryable
    assert "eve" not in str(failed.value)
    assert post.contents() == []


async def test_files_are_private_and_sorted_by_time(tmp_path: Path) -> None:
    mailer = FolderMailer(tmp_path / "mail", SENDER)
    for number in range(5):
        await mailer.send(Mail(MAIL.to, str(number), "text"))

    files = sorted((tmp_path / "mail").iterdir())
    subjects = [message_from_bytes(file.read_bytes())["Subject"] for file in files]
    assert subjects == ["0", "1", "2", "3", "4"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


async def test_the_log_names_the_file_and_not_the_content(tmp_path: Path) -> None:
    with capture_logs() as logs:
        await FolderMailer(tmp_path / "mail", SENDER).send(Mail(MAIL.to, "secret", "secret"))

    (file,) = (tmp_path / "mail").iterdir()
    assert logs == [{"event": "mail.written", "path": str(file), "log_level": "info"}]


async def test_a_folder_that_cant_be_written_is_worth_another_try(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file")

    with pytest.raises(MailFailed) as failed:
        await FolderMailer(tmp_path / "mail", SENDER).send(MAIL)

    assert failed.value.retryable


@pytest.mark.parametrize(
    ("answer", "retryable"), [("451 later", True), ("421 bye", True), ("550 never", False)]
)
async def test_what_the_server_refuses(
    server: int, inbox: Inbox, answer: str, retryable: bool
) -> None:
    inbox.answer = answer
    with pytest.raises(MailFailed, match=answer[:3]) as content_refused:
        await smtp(server).send(MAIL)
    inbox.recipients_answer = answer
    with pytest.raises(MailFailed, match=answer[:3]) as recipient_refused:
        await smtp(server).send(MAIL)

    assert content_refused.value.retryable is retryable
    assert recipient_refused.value.retryable is retryable
    assert MAIL.to not in str(recipient_refused.value)


async def test_a_server_that_is_away_is_worth_another_try() -> None:
    with pytest.raises(MailFailed) as failed:
        await smtp(free_port()).send(MAIL)

    assert failed.value.retryable


async def test_a_server_that_says_nothing_is_left_alone_for_a_while() -> None:
    """Each mail to it would keep a job waiting."""
    calls = 0

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    settings = MailSettings(smtp_host="127.0.0.1", smtp_port=port, smtp_tls="none")
    mailer = SmtpMailer(settings, timeout=0.2)
    for _ in range(3):
        with pytest.raises(MailFailed) as failed:
            await mailer.send(MAIL)
        assert failed.value.retryable
    silent.close()

    assert calls == 1


async def test_without_tls_nothing_is_sent_where_tls_is_asked_for(
    server: int, inbox: Inbox
) -> None:
    for tls in ("starttls", "tls"):
        with pytest.raises(MailFailed):
            await smtp(server, tls).send(MAIL)

    assert inbox.received == []


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
@pytest.mark.parametrize("password", ["right", "wrong"])
async def test_logging_in(inbox: Inbox, password: str) -> None:
    def check(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"hub", b"right"), handled=False)

    controller = Controller(
        inbox,
        hostname="127.0.0.1",
        port=free_port(),
        authenticator=check,
        auth_required=True,
        auth_require_tls=False,
    )
    controller.start()
    try:
        mailer = smtp(controller.port, smtp_user="hub", smtp_password=SecretStr(password))
        if password == "right":
            await mailer.send(MAIL)
            assert len(inbox.received) == 1
        else:
            with pytest.raises(MailFailed) as failed:
                await mailer.send(MAIL)
            assert failed.value.retryable, "the operator can mend it"
            assert "wrong" not in str(failed.value)
    finally:
        controller.stop()


@pytest.mark.parametrize("sender", ["", "nobody", "a@b, c@d", "Hub <hub@x>\nBcc: eve@x"])
def test_a_sender_is_one_address(tmp_path: Path, sender: str) -> None:
    with pytest.raises(ValueError, match="one mail address"):
        FolderMailer(tmp_path, sender)
