"""What goes over the wire to each kind of gateway, and what is kept from everybody else."""

import base64
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import orjson
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from hubbub.kit.logging import setup_logging
from hubbub.messages.delivery.types import Answer, Delivered, Replied, Target
from hubbub.settings import GatewaySettings, LogSettings
from tests.fixtures.elsewhere import Behaviour, Received, elsewhere, says, writes
from tests.messages.delivery.conftest import (
    CHAT,
    EVERY_KIND,
    OLD_SECRET,
    OPENCLAW,
    SECRET,
    TOKEN,
    WEBHOOK,
    Pusher,
    push_to,
)

ID = "0199a0c5-dbaf-7e7c-8f91-98f919f84a01"


async def sent(push: Pusher, target: Target, **values: Any) -> Received:
    [received] = (await push(target, says(200, "{}"), **values)).there.received
    return received


class TestOpenClaw:
    async def test_a_message_for_the_hooks(self, push: Pusher) -> None:
        got = await sent(push, OPENCLAW)

        body = got.json()
        assert got.path == "/hooks/agent"
        assert got.headers["authorization"] == f"Bearer {TOKEN}"
        assert got.headers["idempotency-key"] == ID
        assert got.headers["content-type"] == "application/json"
        assert "| hello" in str(body.pop("message"))
        assert body == {
            "name": "Hubbub",
            "sessionKey": "hook:hub:alice",
            "sessionMode": "persistent",
            "deliver": False,
        }

    async def test_the_agent_in_the_session_key_is_named(self, push: Pusher) -> None:
        got = await sent(push, replace(OPENCLAW, session_key="agent:ops:hub:x"))

        assert got.json()["agentId"] == "ops"

    @pytest.mark.parametrize(("given", "path"), [("/", "/hooks/agent"), ("/a/", "/a/hooks/agent")])
    async def test_a_gateway_below_a_path(self, push: Pusher, given: str, path: str) -> None:
        async with elsewhere(says(200)) as there:
            await push.to(replace(OPENCLAW, url=there.url + given))

        assert [each.path for each in there.received] == [path]

    async def test_every_message_that_the_hub_takes_fits(self, push: Pusher) -> None:
        got = await sent(push, OPENCLAW, content='\x01\n"' * 43_000)

        assert len(got.body) <= 256 * 1024


class TestChat:
    async def test_a_message_for_the_chat(self, push: Pusher) -> None:
        got = await sent(push, CHAT)

        assert got.path == "/v1/chat/completions"
        assert got.headers["authorization"] == f"Bearer {TOKEN}"
        assert got.headers["x-openclaw-session-key"] == "agent:main:hub-alice"
        body = got.json()
        assert (body["model"], body["stream"]) == ("openclaw/main", False)
        [message] = orjson.loads(got.body)["messages"]
        assert message["role"] == "user"
        assert "| hello" in message["content"]

    async def test_a_plain_session_key_leaves_the_agent_to_the_gateway(self, push: Pusher) -> None:
        got = await sent(push, replace(CHAT, session_key="hub-plain"))

        assert got.json()["model"] == "openclaw"

    @pytest.mark.parametrize(
        ("content", "text"),
        [
            ('"hi Bob"', "hi Bob"),
            ('" two\\nlines "', " two\nlines "),
            ('[{"type":"text","text":"hi "},{"type":"text","text":"Bob"}]', "hi Bob"),
            ('"a\\u0000b"', "ab"),
            ('"NO_REPLY, I would say"', "NO_REPLY, I would say"),
            ('"NOTHING_TO_SAY is a word"', "NOTHING_TO_SAY is a word"),
            ('"..."', "..."),
        ],
    )
    async def test_the_answer_is_a_reply(self, push: Pusher, content: str, text: str) -> None:
        pushed = await push(CHAT, says(200, _completion(content)))

        assert isinstance(pushed.outcome, Replied)
        assert pushed.outcome.text == text

    @pytest.mark.parametrize(
        "content",
        [
            *('""', '" \\n"', "null", '"NO_REPLY"', '" NO_REPLY\\n"', '"NOTHING_TO_SAY"'),
            *('"**NOTHING_TO_SAY**\\n"', '"NOTHING_TO_SAY."', '"No response from OpenClaw."'),
        ],
    )
    async def test_silence_is_no_reply(self, push: Pusher, content: str) -> None:
        outcome = (await push(CHAT, says(200, _completion(content)))).outcome

        assert isinstance(outcome, Delivered)
        assert outcome.note is None

    @pytest.mark.parametrize(
        "behaviour",
        [
            says(200, "<html>"),
            says(200, "[]"),
            says(200, '{"choices":[]}'),
            says(200, '{"choices":[{"message":"hi"}]}'),
            says(200, '{"choices":[{"message":{"content":7}}]}'),
            says(200, b"\xff\xfe"),
            says(200, "[" * 100_000),
            writes(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"choices"'),
        ],
    )
    async def test_a_turn_that_is_over_is_not_begun_again(
        self, push: Pusher, behaviour: Behaviour
    ) -> None:
        outcome = (await push(CHAT, behaviour)).outcome

        assert isinstance(outcome, Delivered)
        assert outcome.note == "reply_lost"

    async def test_a_reply_that_is_too_long_is_lost(self, push: Pusher) -> None:
        settings = GatewaySettings(max_reply_bytes=2000)

        outcome = (await push(CHAT, says(200, _completion(f'"{"x" * 3000}"')), settings)).outcome

        assert isinstance(outcome, Delivered)
        assert outcome.note == "reply_lost"


def _completion(content: str) -> str:
    return f'{{"choices":[{{"message":{{"role":"assistant","content":{content}}}}}]}}'


class TestWebhook:
    async def test_a_receiver_verifies_it_with_the_library(self, push: Pusher) -> None:
        now = datetime.now(UTC)
        got = await sent(
            push, WEBHOOK, attempted_at=now, metadata={"n": 1}, content="line\n\u2028é\x01"
        )

        for secret in (SECRET, OLD_SECRET):
            event = Webhook(secret).verify(got.body, got.headers)
            assert event["type"] == "message.received"
            assert event["data"]["message"]["content"] == "line\n\u2028é\x01"
            assert event["data"]["message"]["metadata"] == {"n": 1}
            assert event["data"]["from"]["name"] == "bob"
            assert event["data"]["to"]["name"] == "alice"
            assert event["data"]["seq"] == 7
        assert got.headers["webhook-id"] == ID
        assert got.headers["webhook-timestamp"] == str(int(now.timestamp()))

    async def test_what_was_changed_on_its_way_is_not_verified(self, push: Pusher) -> None:
        got = await sent(push, WEBHOOK, attempted_at=datetime.now(UTC))
        stranger = "whsec_" + base64.b64encode(b"x" * 32).decode()

        for secret, body, headers in (
            (SECRET, got.body + b" ", got.headers),
            (SECRET, got.body, got.headers | {"webhook-id": "other"}),
            (SECRET, got.body, got.headers | {"webhook-timestamp": "1"}),
            (stranger, got.body, got.headers),
        ):
            with pytest.raises(WebhookVerificationError):
                Webhook(secret).verify(body, headers)

    async def test_a_repetition_is_the_same_but_for_its_time(self, push: Pusher) -> None:
        now = datetime.now(UTC)
        first = await sent(push, WEBHOOK, attempted_at=now, attempt=1)
        later = await sent(push, WEBHOOK, attempted_at=now + timedelta(seconds=60), attempt=2)

        assert first.body == later.body
        assert first.headers["webhook-id"] == later.headers["webhook-id"]
        assert first.headers["webhook-signature"] != later.headers["webhook-signature"]
        Webhook(SECRET).verify(later.body, later.headers)

    async def test_without_a_secret_it_is_not_signed(self, push: Pusher) -> None:
        got = await sent(push, replace(WEBHOOK, signing_secrets=()))

        assert "webhook-signature" not in got.headers
        assert got.headers["webhook-id"] == ID

    async def test_ids_of_any_driver_are_ids(self, push: Pusher) -> None:
        class DriverUUID(UUID):
            pass

        got = await sent(push, WEBHOOK, message_id=DriverUUID(int=9))

        assert orjson.loads(got.body)["data"]["message"]["id"] == str(UUID(int=9))


class TestSecrets:
    @EVERY_KIND
    @pytest.mark.parametrize("status", [200, 400, 500])
    async def test_an_answer_that_repeats_them_is_not_believed(
        self, push: Pusher, target: Target, status: int
    ) -> None:
        log = io.StringIO()
        setup_logging(LogSettings(level="debug"), log)

        known = target.signing_secrets or (TOKEN,)
        hidden = [form for secret in known for form in _forms(secret)]
        pushed = await push(target, says(status, " ".join(hidden)))

        assert isinstance(pushed.answer, Answer)
        request = push_to(target)
        told = "".join(map(repr, (pushed.outcome, pushed.answer, request, target, log.getvalue())))
        assert [form for form in hidden if form in told] == []
        assert ("***" in pushed.answer.excerpt) is (status >= 400)
        assert request.target.token == target.token

    @EVERY_KIND
    async def test_what_an_agent_says_is_not_shown(self, push: Pusher, target: Target) -> None:
        pushed = await push(target, says(200, _completion('"between us"')))

        assert "between us" not in repr(pushed.answer) + repr(pushed.outcome)

    async def test_an_excerpt_is_one_harmless_line(self, push: Pusher) -> None:
        pushed = await push(OPENCLAW, says(500, b"no\x1b[2J\r\n\xff\xe2\x80\xae" + b"x" * 9000))

        assert isinstance(pushed.answer, Answer)
        assert pushed.answer.excerpt.startswith("no [2J")
        assert pushed.answer.excerpt.isprintable()
        assert len(pushed.answer.excerpt) <= 500


def _forms(secret: str) -> list[str]:
    return [
        secret,
        quote(secret, safe=""),
        orjson.dumps(secret).decode()[1:-1],
        base64.b64encode(secret.encode()).decode().rstrip("="),
        secret.removeprefix("whsec_"),
    ]
