import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from structlog.testing import capture_logs

from hubbub.kit.counters import LocalCounters, seconds_left
from hubbub.kit.counters.redis import SharedCounters
from tests.fixtures.peers import free_port


class Time:
    now = 1_800_000_000.0


@pytest.fixture(autouse=True)
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """Stands still until it is set."""
    time = Time()
    monkeypatch.setattr("hubbub.kit.counters.time.time", lambda: time.now)
    return time


@pytest.fixture
async def redis(valkey_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(valkey_url) as redis:
        yield redis


@pytest.fixture
async def absent_redis() -> AsyncIterator[Redis]:
    async with Redis(port=free_port(), retry=Retry(NoBackoff(), 0)) as redis:
        yield redis


def test_each_key_and_each_window_is_counted_apart(time: Time) -> None:
    counters = LocalCounters()

    assert [counters.hit("a", 60), counters.hit("a", 60), counters.hit("b", 60)] == [1, 2, 1]
    assert counters.hit("a", 600) == 1
    assert [counters.count("a", 60), counters.count("c", 60)] == [2, 0]

    time.now += 60
    assert counters.count("a", 60) == 0
    assert counters.count("a", 600) == 1


def test_what_is_forgotten_begins_anew() -> None:
    counters = LocalCounters()
    counters.hit("a", 60)

    counters.forget("a", 60)
    counters.forget("never seen", 60)

    assert counters.hit("a", 60) == 1


def test_the_end_of_the_window_is_told(time: Time) -> None:
    assert seconds_left(60) == 60
    time.now += 59.9
    assert seconds_left(60) == 1


async def test_two_processes_see_each_others_counts(redis: Redis) -> None:
    here, there = SharedCounters(redis), SharedCounters(redis)
    for _ in range(3):
        here.hit("a", 60)
    there.hit("a", 60)

    await here.trade()
    await there.trade()
    assert there.count("a", 60) == 4

    here.count("a", 60)  # to have asked is enough
    await here.trade()
    assert here.count("a", 60) == 4
    assert here.hit("a", 60) == 5


async def test_one_that_only_asks_learns_what_others_counted(redis: Redis) -> None:
    here, there = SharedCounters(redis), SharedCounters(redis)
    there.hit("a", 60)
    await there.trade()

    assert here.count("a", 60) == 0
    await here.trade()

    assert here.count("a", 60) == 1


async def test_forgetting_holds_for_all(redis: Redis) -> None:
    here, there = SharedCounters(redis), SharedCounters(redis)
    there.hit("a", 60)
    await there.trade()

    here.forget("a", 60)
    assert here.hit("a", 60) == 1
    await here.trade()
    there.count("a", 60)
    await there.trade()

    assert here.count("a", 60) == there.count("a", 60) == 1


async def test_a_window_that_is_over_does_not_spill_into_the_next(redis: Redis, time: Time) -> None:
    counters = SharedCounters(redis)
    counters.hit("a", 60)

    time.now += 60
    counters.hit("a", 60)
    await counters.trade()

    assert counters.count("a", 60) == 1


async def test_counts_in_redis_do_not_stay_for_ever(redis: Redis) -> None:
    counters = SharedCounters(redis)
    counters.hit("a", 60)

    await counters.trade()

    (key,) = await redis.keys("*")
    assert 0 < await redis.ttl(key) <= 60


async def test_while_redis_is_away_each_counts_for_itself_and_hands_it_in_later(
    redis: Redis, absent_redis: Redis
) -> None:
    here, there = SharedCounters(absent_redis), SharedCounters(redis)
    here.hit("a", 60)
    with pytest.raises((RedisError, OSError)):
        await here.trade()
    assert here.hit("a", 60) == 2

    here._redis = redis
    await here.trade()
    there.count("a", 60)
    await there.trade()

    assert there.count("a", 60) == 2


async def test_an_outage_is_logged_once_and_ends_by_itself(
    redis: Redis, absent_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    counters = SharedCounters(absent_redis, every=0.001)
    tries = 0
    trade = counters.trade

    async def counted() -> None:
        nonlocal tries
        tries += 1
        counters.hit("a", 60)
        await trade()

    monkeypatch.setattr(counters, "trade", counted)
    with capture_logs() as logged:
        counters.start()
        await _until(lambda: tries > 5)
        counters._redis = redis
        await _until(lambda: not counters._away)
        await counters.stop()

    assert [line["event"] for line in logged] == ["counters.unshared"]
    assert await redis.keys("*") != []


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - nothing else tells of it
            await asyncio.sleep(0.001)
