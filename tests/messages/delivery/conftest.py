import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import ClientSession
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hubbub.agents.types import GatewayKind
from hubbub.kit.outbound.session import open_session
from hubbub.messages.delivery import kinds
from hubbub.messages.delivery.post import post
from hubbub.messages.delivery.types import Answer, NoAnswer, Outcome, Participant, Push, Target
from hubbub.settings import Environment, GatewaySettings, Settings
from tests.fixtures.elsewhere import Behaviour, Elsewhere, elsewhere

TOKEN = 'gateway/token"that<nobody>may+see'
SECRET = "whsec_c2lnbmluZy1zZWNyZXQtdGhhdC1ub2JvZHktbWF5LXNlZQ=="
OLD_SECRET = "whsec_b2xkLXNpZ25pbmctc2VjcmV0LW5vYm9keS1tYXktc2VlISE="
AT = datetime(2026, 11, 21, 14, 32, 5, tzinfo=UTC)
QUICK = GatewaySettings(connect_timeout=2, timeout=5, chat_timeout=5)
IMPATIENT = GatewaySettings(connect_timeout=0.5, timeout=0.1, chat_timeout=0.1)

OPENCLAW = Target(GatewayKind.OPENCLAW, "", TOKEN, "hook:hub:alice")
CHAT = Target(GatewayKind.OPENCLAW_CHAT, "", TOKEN, "agent:main:hub-alice")
WEBHOOK = Target(GatewayKind.WEBHOOK, "", signing_secrets=(SECRET, OLD_SECRET))
EVERY_KIND = pytest.mark.parametrize(
    "target", [OPENCLAW, CHAT, WEBHOOK], ids=lambda each: each.kind.value
)


def push_to(target: Target, **values: Any) -> Push:
    push = Push(
        delivery_id="0199a0c5-dbaf-7e7c-8f91-98f919f84a01",
        target=target,
        sender=Participant(UUID(int=1), "bob", "Bob"),
        recipient=Participant(UUID(int=2), "alice", "Alice"),
        message_id=UUID("0199a0c5-dbaf-7e7c-8f91-98f919f84a8c"),
        thread_id=UUID("0199a0c5-dbaf-7e7c-8f91-98f919f84a8d"),
        seq=7,
        content="hello",
        created_at=AT,
        attempted_at=AT,
        hub_url="https://hub.example.com",
    )
    return replace(push, **values)


@dataclass
class Pushed:
    outcome: Outcome
    answer: Answer | NoAnswer
    there: Elsewhere


class Pusher:
    """Pushes as the hub does, to a server that behaves as it is told."""

    def __init__(self, http: ClientSession) -> None:
        self.http = http

    async def __call__(
        self,
        target: Target,
        behaviour: Behaviour,
        settings: GatewaySettings = QUICK,
        **values: Any,
    ) -> Pushed:
        async with elsewhere(behaviour) as there:
            outcome, answer = await self.to(replace(target, url=there.url), settings, **values)
            return Pushed(outcome, answer, there)

    async def to(
        self, target: Target, settings: GatewaySettings = QUICK, **values: Any
    ) -> tuple[Outcome, Answer | NoAnswer]:
        push = push_to(target, **values)
        answer = await post(self.http, kinds.prepare(push, settings))
        return kinds.outcome_of(push, answer), answer


@pytest.fixture(scope="session")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "self-signed.pem"
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(secret + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.fixture
async def push(tmp_path: Path) -> AsyncIterator[Pusher]:
    settings = Settings(_env_file=None, environment=Environment.LOCAL, data_dir=tmp_path)
    async with open_session(settings) as http:
        yield Pusher(http)
