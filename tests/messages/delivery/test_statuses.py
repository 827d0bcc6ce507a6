"""What each status means, for each kind of gateway."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from hubbub.agents.types import GatewayKind
from hubbub.messages.delivery.post import MAX_RETRY_AFTER, seconds_of
from hubbub.messages.delivery.types import Delivered, Failed, Pause, Retry, Target
from tests.fixtures.elsewhere import says
from tests.messages.delivery.conftest import CHAT, EVERY_KIND, OPENCLAW, WEBHOOK, Pusher

PAUSING = {
    301: ("redirected",) * 3,
    307: ("redirected",) * 3,
    400: ("bad_request",) * 3,
    401: ("wrong_token", "wrong_token", "unauthorized"),
    402: ("refused",) * 3,
    403: ("forbidden",) * 3,
    404: ("hooks_disabled", "chat_disabled", "not_found"),
    405: ("not_openclaw", "not_openclaw", "method_not_allowed"),
    410: ("gone",) * 3,
    413: ("too_large",) * 3,
    422: ("refused",) * 3,
}
PASSING = {
    408: "try_later",
    409: "try_later",
    425: "try_later",
    429: "throttled",
    503: "try_later",
}
FAILING = {500: "server_error", 502: "server_error", 504: "server_error", 599: "server_error"}
KINDS = (OPENCLAW, CHAT, WEBHOOK)


@EVERY_KIND
@pytest.mark.parametrize("status", [200, 201, 202])
async def test_any_success_is_a_delivery(push: Pusher, target: Target, status: int) -> None:
    pushed = await push(target, says(status, '{"ok":true}'))

    assert isinstance(pushed.outcome, Delivered)
    assert pushed.outcome.status == status
    assert 0 <= pushed.outcome.ms < 5000
    assert len(pushed.there.received) == 1


@pytest.mark.parametrize("target", [OPENCLAW, WEBHOOK], ids=lambda each: each.kind.value)
async def test_a_success_without_a_body(push: Pusher, target: Target) -> None:
    assert isinstance((await push(target, says(204))).outcome, Delivered)


@pytest.mark.parametrize(
    ("target", "status", "reason"),
    [
        pytest.param(target, status, reasons[number], id=f"{target.kind.value} {status}")
        for number, target in enumerate(KINDS)
        for status, reasons in PAUSING.items()
    ],
)
async def test_what_somebody_has_to_mend_pauses(
    push: Pusher, target: Target, status: int, reason: str
) -> None:
    outcome = (await push(target, says(status, "no", Location="http://127.0.0.1:9/"))).outcome

    assert isinstance(outcome, Pause)
    assert outcome.reason == reason
    assert outcome.advice.endswith(".")


@EVERY_KIND
@pytest.mark.parametrize(("status", "reason"), PASSING.items())
async def test_what_passes_by_itself_is_tried_again(
    push: Pusher, target: Target, status: int, reason: str
) -> None:
    assert (await push(target, says(status))).outcome == Retry(reason)


@pytest.mark.parametrize("target", [OPENCLAW, WEBHOOK], ids=lambda each: each.kind.value)
@pytest.mark.parametrize(("status", "reason"), FAILING.items())
async def test_a_failing_server_is_tried_again(
    push: Pusher, target: Target, status: int, reason: str
) -> None:
    assert (await push(target, says(status))).outcome == Retry(reason)


@pytest.mark.parametrize("status", FAILING)
async def test_a_failing_chat_may_have_had_its_turn(push: Pusher, status: int) -> None:
    assert (await push(CHAT, says(status))).outcome == Failed("outcome_unknown")


@EVERY_KIND
@pytest.mark.parametrize("status", [429, 503])
async def test_the_gateway_says_when_to_come_again(
    push: Pusher, target: Target, status: int
) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)

    in_seconds = (await push(target, says(status, Retry_After="60"))).outcome
    at_a_time = (await push(target, says(status, Retry_After=later))).outcome

    assert isinstance(in_seconds, Retry)
    assert in_seconds.after == 60
    assert isinstance(at_a_time, Retry)
    assert at_a_time.after is not None
    assert 60 < at_a_time.after <= 90


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("0", 0),
        (" 5 ", 5),
        ("9" * 400, MAX_RETRY_AFTER),
        ("Sat, 21 Nov 2026 14:33:05 GMT", 60),
        ("Sat, 21 Nov 2026 14:33:05 -0000", 60),
        ("Sat, 21 Nov 2020 14:33:05 GMT", 0),
        ("Sat, 21 Nov 2999 14:33:05 GMT", MAX_RETRY_AFTER),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        (f"Sat, 21 Nov {'9' * 30} 14:33:05 GMT", None),
        (f"Sat, 21 Nov 2026 14:33:05 -{'9' * 30}", None),
        ("", None),
        ("\u0665", None),
        (None, None),
    ],
)
def test_both_forms_of_retry_after(said: str | None, seconds: float | None) -> None:
    assert seconds_of(said, datetime(2026, 11, 21, 14, 32, 5, tzinfo=UTC)) == seconds


@pytest.mark.parametrize(
    ("kind", "status", "body", "reason"),
    [
        ("openclaw", 400, "sessionKey is disabled for externally", "session_keys_not_allowed"),
        ("openclaw", 400, "hooks.allowedSessionKeyPrefixes is required when", "no_prefixes"),
        ("openclaw", 400, "sessionKey must start with one of: hook:", "prefix_missing"),
        ("openclaw", 400, "agentId is required when multiple", "agent_needed"),
        ("openclaw", 400, 'unknown agentId "x"', "unknown_agent"),
        ("openclaw", 400, "agentId is not allowed by hooks", "unknown_agent"),
        ("openclaw", 503, "Plugin runtime is starting", "starting"),
        ("openclaw", 503, "hook agent run did not start before admission timeout", "busy"),
        ("openclaw-chat", 400, "Unknown agent 'x'.", "unknown_agent"),
        ("openclaw-chat", 400, "`x-openclaw-session-key` cannot use", "session_key_refused"),
        ("openclaw-chat", 503, "Plugin runtime is starting", "starting"),
        ("openclaw-chat", 401, '{"error":{"type":"authentication_error"}}', "model_refused"),
        ("openclaw-chat", 401, '{"error":{"type":"unauthorized"}}', "wrong_token"),
        ("openclaw-chat", 402, '{"error":{"type":"insufficient_quota"}}', "model_refused"),
    ],
)
async def test_what_openclaw_says_beyond_the_status(
    push: Pusher, kind: str, status: int, body: str, reason: str
) -> None:
    target = OPENCLAW if kind == GatewayKind.OPENCLAW else CHAT

    outcome = (await push(target, says(status, body))).outcome

    assert isinstance(outcome, Retry if status == 503 else Pause)
    assert outcome.reason == reason
