"""Servers that answer badly, or not at all."""

import asyncio
import gzip
import ssl
from dataclasses import replace

import pytest

from hubbub.messages.delivery.types import (
    Answer,
    Delivered,
    Failed,
    Fault,
    NoAnswer,
    Pause,
    Retry,
    Target,
)
from hubbub.settings import GatewaySettings
from tests.fixtures.elsewhere import Behaviour, Elsewhere, elsewhere, says, without_end, writes
from tests.fixtures.peers import free_port
from tests.fixtures.waiting import eventually
from tests.messages.delivery.conftest import (
    CHAT,
    EVERY_KIND,
    IMPATIENT,
    OPENCLAW,
    QUICK,
    WEBHOOK,
    Pusher,
)

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
CHUNKED = b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
AMBIGUOUS: dict[str, tuple[Behaviour, GatewaySettings, Fault]] = {
    "hangs": (writes(hangs=True), IMPATIENT, Fault.TIMEOUT),
    "hangs in the head": (writes(b"HTTP/1.1 200 OK\r\nX: ", hangs=True), IMPATIENT, Fault.TIMEOUT),
    "goes on being patient": (
        without_end(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        IMPATIENT,
        Fault.TIMEOUT,
    ),
    "hangs up": (writes(), QUICK, Fault.CUT),
    "hangs up in the head": (writes(b"HTTP/1.1 200 OK\r\nX-"), QUICK, Fault.CUT),
    "talks nonsense": (writes(b"220 mail.example ESMTP ready\r\n" * 9), QUICK, Fault.NOT_HTTP),
    "has a head without end": (
        without_end(b"HTTP/1.1 200 OK\r\n", b"X-Y: " + b"z" * 9000 + b"\r\n"),
        QUICK,
        Fault.NOT_HTTP,
    ),
}
each_way = pytest.mark.parametrize(
    ("behaviour", "settings", "fault"), AMBIGUOUS.values(), ids=AMBIGUOUS.keys()
)


@pytest.mark.parametrize("target", [OPENCLAW, WEBHOOK], ids=lambda each: each.kind.value)
@each_way
async def test_who_knows_repetitions_is_asked_again(
    push: Pusher, target: Target, behaviour: Behaviour, settings: GatewaySettings, fault: Fault
) -> None:
    pushed = await push(target, behaviour, settings)

    assert pushed.outcome == Retry(fault.value)
    assert isinstance(pushed.answer, NoAnswer)
    assert not pushed.answer.never_sent


@each_way
async def test_a_chat_that_may_have_begun_is_not_asked_again(
    push: Pusher, behaviour: Behaviour, settings: GatewaySettings, fault: Fault
) -> None:
    once = await push(CHAT, behaviour, settings)
    twice = await push(replace(CHAT, retry_ambiguous=True), behaviour, settings)

    assert once.outcome == Failed("outcome_unknown")
    assert twice.outcome == Retry(fault.value)


@EVERY_KIND
async def test_where_nothing_listens_nothing_was_sent(push: Pusher, target: Target) -> None:
    outcome, answer = await push.to(replace(target, url=f"http://127.0.0.1:{free_port()}"))

    assert outcome == Retry("unreachable")
    assert isinstance(answer, NoAnswer)
    assert answer.never_sent


@EVERY_KIND
@pytest.mark.parametrize("name", ["no-such-name", "xn--!-qfa", "a" * 64])
async def test_a_name_without_an_address(push: Pusher, target: Target, name: str) -> None:
    outcome, _ = await push.to(replace(target, url=f"http://{name}.invalid"))

    assert outcome == Retry("unresolved")


@EVERY_KIND
async def test_no_tls_where_it_should_be(push: Pusher, target: Target) -> None:
    async with elsewhere(says(200)) as plain:
        secure = replace(target, url=f"https://127.0.0.1:{plain.port}")
        outcome, answer = await push.to(secure, IMPATIENT)

    assert outcome == Retry("unreachable")
    assert isinstance(answer, NoAnswer)
    assert answer.never_sent


@EVERY_KIND
async def test_a_certificate_that_nobody_vouches_for(
    push: Pusher, target: Target, self_signed: ssl.SSLContext
) -> None:
    async with elsewhere(says(200), self_signed) as there:
        outcome, answer = await push.to(replace(target, url=f"https://localhost:{there.port}"))

    assert outcome == Retry("tls_failed")
    assert isinstance(answer, NoAnswer)
    assert answer.never_sent
    assert there.received == []


@EVERY_KIND
@pytest.mark.parametrize("where", ["http://10.0.0.1", "http://[fd00::1]", "http://192.168.1.1:80"])
async def test_an_address_that_our_rules_refuse(push: Pusher, target: Target, where: str) -> None:
    outcome, answer = await push.to(replace(target, url=where))

    assert isinstance(outcome, Pause)
    assert outcome.reason == "refused_by_our_rules"
    assert "HUBBUB_GATEWAY__ALLOW_CIDRS" in outcome.advice
    assert isinstance(answer, NoAnswer)
    assert answer.never_sent


@EVERY_KIND
@pytest.mark.parametrize("where", ["http://169.254.169.254", "http://127.0.0.1:8000"])
async def test_an_address_that_no_setting_opens(push: Pusher, target: Target, where: str) -> None:
    outcome, _ = await push.to(replace(target, url=where))

    assert isinstance(outcome, Pause)
    assert outcome.reason == "refused_by_our_rules"
    assert "HUBBUB" not in outcome.advice


@EVERY_KIND
@pytest.mark.parametrize(
    "where",
    [
        "http://user:secret@127.0.0.1",
        "http://127.0.0.1@evil.example",
        "http://evil.example\\@127.0.0.1",
        "file:///etc/passwd",
        "gopher://127.0.0.1",
        "unix:///run/x",
        "http://",
        "http:///path",
        "http://127.1",
        "http://2130706433",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:0",
        "//127.0.0.1",
        "127.0.0.1",
    ],
)
async def test_what_is_no_url_of_a_gateway(push: Pusher, target: Target, where: str) -> None:
    outcome, _ = await push.to(replace(target, url=where))

    assert isinstance(outcome, Pause)
    assert outcome.reason == "bad_url"
    assert "secret" not in outcome.advice


@EVERY_KIND
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(push: Pusher, target: Target, status: int) -> None:
    pushed = await push(target, says(status, Location="/elsewhere"))

    assert isinstance(pushed.outcome, Pause)
    assert pushed.outcome.reason == "redirected"
    assert len(pushed.there.received) == 1


@pytest.mark.parametrize("target", [OPENCLAW, WEBHOOK], ids=lambda each: each.kind.value)
@pytest.mark.parametrize(
    ("behaviour", "settings"),
    [
        (writes(HEAD, b"part"), QUICK),
        (writes(HEAD, b"part", hangs=True), IMPATIENT),
        (without_end(CHUNKED % 200, CHUNK), QUICK),
    ],
    ids=["cut", "slow", "giant"],
)
async def test_once_a_success_is_said_its_body_does_not_matter(
    push: Pusher, target: Target, behaviour: Behaviour, settings: GatewaySettings
) -> None:
    pushed = await push(target, behaviour, settings)

    assert isinstance(pushed.outcome, Delivered)
    assert isinstance(pushed.answer, Answer)
    assert not pushed.answer.is_whole


@EVERY_KIND
async def test_of_a_body_without_end_only_so_much_is_read(push: Pusher, target: Target) -> None:
    settings = GatewaySettings(max_answer_bytes=2000, max_reply_bytes=3000)

    pushed = await push(target, without_end(CHUNKED % 404, CHUNK), settings)

    assert isinstance(pushed.answer, Answer)
    assert len(pushed.answer.body) == (3000 if target.kind == CHAT.kind else 2000)
    assert len(pushed.answer.excerpt) <= 500
    assert isinstance(pushed.outcome, Pause)


async def test_those_that_hang_hold_up_nobody_else(push: Pusher) -> None:
    async with elsewhere(writes(hangs=True)) as hanging:
        stuck = replace(OPENCLAW, url=hanging.url)
        tasks = [asyncio.create_task(push.to(stuck)) for _ in range(150)]
        try:
            await eventually(lambda: _has_got(hanging, 150))
            pushed = await push(OPENCLAW, says(200))
            assert not any(task.done() for task in tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    assert isinstance(pushed.outcome, Delivered)


async def _has_got(there: Elsewhere, number: int) -> bool:
    await asyncio.sleep(0)
    return len(there.received) == number


async def test_what_is_packed_is_not_unpacked(push: Pusher) -> None:
    bomb = gzip.compress(b"x" * 50_000_000)

    pushed = await push(OPENCLAW, says(500, bomb, Content_Encoding="gzip"))

    assert isinstance(pushed.answer, Answer)
    assert len(pushed.answer.body) == min(len(bomb), QUICK.max_answer_bytes)
