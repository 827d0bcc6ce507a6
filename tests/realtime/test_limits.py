"""A socket is no way around the limits on requests."""

import asyncio

import pytest

from hubbub.settings import LimitSettings, Settings
from tests.messages.conftest import Talker
from tests.realtime.conftest import Dial, Line, inbox_of, key_of

ANONYMOUS, KNOWN = 20, 40


@pytest.fixture
def settings(settings: Settings) -> Settings:
    limits = LimitSettings(anonymous_per_minute=ANONYMOUS, requests_per_minute=KNOWN)
    return settings.model_copy(update={"limits": limits})


@pytest.fixture(autouse=True)
def one_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time stands still, so that no test runs over the end of a window."""
    monkeypatch.setattr("hubbub.kit.counters.time.time", lambda: 1_800_000_010.0)


async def codes(dial: Dial, path: str, key: str | None, times: int) -> list[int]:
    return [(await (await dial(path, key, hello=False)).closed())[0] for _ in range(times)]


@pytest.mark.parametrize("key", [None, "agt_made_up"])
async def test_strangers_are_let_try_so_often_and_no_more(
    dial: Dial, alice: Talker, bob: Talker, key: str | None
) -> None:
    await dial(inbox_of(bob), key_of(bob))

    tries = await codes(dial, inbox_of(bob), key, ANONYMOUS + 1)

    assert set(tries) == {4401, 4429}
    assert tries[-1] == 4429
    # who was let in before comes from the same address
    await dial(inbox_of(bob), key_of(bob))
    assert await codes(dial, inbox_of(alice), key_of(alice), 1) == [4429]


async def test_each_made_up_credential_counts_against_the_address(dial: Dial, bob: Talker) -> None:
    tries = [
        (await codes(dial, inbox_of(bob), f"agt_{number}", 1))[0] for number in range(ANONYMOUS)
    ]

    assert tries[-1] == 4429


async def test_one_who_connects_again_and_again(dial: Dial, bob: Talker) -> None:
    for _ in range(KNOWN):
        await (await dial(inbox_of(bob), key_of(bob))).socket.close()

    assert await codes(dial, inbox_of(bob), key_of(bob), 1) == [4429]
    answer = await bob.client.get(bob.inbox)
    assert answer.status_code == 429


async def test_a_frame_too_many_is_refused_and_the_socket_lives_on(
    dial: Dial, alice: Talker, bob: Talker
) -> None:
    line = await dial(inbox_of(alice), key_of(alice))
    for number in range(KNOWN + 5):
        await line.say(type="send", id=str(number), to=["agent:bob"], content=str(number))

    frames = [await line.next() for _ in range(KNOWN + 5)]
    refused = [frame for frame in frames if frame["type"] == "error"]

    assert [frame["type"] for frame in frames[: -len(refused)]] == ["ack"] * (KNOWN - 1)
    problem = refused[0]["problem"]
    assert (problem["status"], problem["code"]) == (429, "rate_limited")
    assert problem["retry_after"] == 50
    assert (await bob.read())["last_seq"] == KNOWN - 1
    await bob.send(alice)
    assert (await line.next("message"))["seq"] == 1


async def test_marks_and_other_frames_count_as_well(dial: Dial, bob: Talker) -> None:
    line = await dial(inbox_of(bob), key_of(bob))
    for _ in range(KNOWN - 1):
        await line.say(type="ack", up_to=1)
    assert await all_of(line, "ack", KNOWN - 1)

    for kind in ("ack", "read", "pong"):
        await line.say(type=kind, up_to=1)
        assert (await line.next())["problem"]["code"] == "rate_limited"


async def all_of(line: Line, kind: str, count: int) -> bool:
    return [(await line.next())["type"] for _ in range(count)] == [kind] * count


async def test_many_at_once_share_one_allowance(dial: Dial, bob: Talker) -> None:
    lines = [await dial(inbox_of(bob), key_of(bob)) for _ in range(4)]
    for line in lines:
        for _ in range(KNOWN // 2):
            await line.say(type="ack", up_to=1)

    async def answers(line: Line) -> list[str]:
        return [(await line.next())["type"] for _ in range(KNOWN // 2)]

    said = [kind for each in await asyncio.gather(*map(answers, lines)) for kind in each]
    assert said.count("ack") == KNOWN - len(lines)
