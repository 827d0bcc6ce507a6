"""What every bus keeps to."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from hubbub.kit.bus import Bus
from hubbub.kit.bus.memory import MemoryBus
from hubbub.kit.bus.redis import RedisBus

PATIENCE = 10.0


class Ear:
    """Listens, and can wait for what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._news = asyncio.Event()

    def __call__(self, message: str) -> None:
        self.heard.append(message)
        self._news.set()

    async def has_heard(self, *messages: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.heard[-len(messages) :] != list(messages):
                self._news.clear()
                await self._news.wait()


@pytest.fixture(params=["memory", "redis"])
async def bus(request: pytest.FixtureRequest, valkey_url: str) -> AsyncIterator[Bus]:
    bus: Bus = MemoryBus() if request.param == "memory" else RedisBus(valkey_url)
    await bus.start()
    yield bus
    await bus.stop()


async def test_a_listener_hears_what_is_published_in_order(bus: Bus) -> None:
    ear = Ear()
    bus.subscribe("news", ear)
    await bus.settled()
    messages = [str(number) for number in range(100)]
    await bus.publish("news", messages)
    await bus.publish("news", ["and one more: ü"])
    await ear.has_heard("99", "and one more: ü")
    assert ear.heard[:-1] == messages


async def test_channels_are_apart(bus: Bus) -> None:
    news, sport = Ear(), Ear()
    bus.subscribe("news", news)
    bus.subscribe("sport", sport)
    await bus.settled()
    await bus.publish("sport", ["1:0"])
    await bus.publish("news", ["rain"])
    await news.has_heard("rain")
    await sport.has_heard("1:0")
    assert (news.heard, sport.heard) == (["rain"], ["1:0"])


async def test_all_listeners_of_a_channel_hear(bus: Bus) -> None:
    ears = [Ear(), Ear()]
    for ear in ears:
        bus.subscribe("news", ear)
    await bus.settled()
    await bus.publish("news", ["rain"])
    for ear in ears:
        await ear.has_heard("rain")


async def test_an_ended_subscription_hears_no_more(bus: Bus) -> None:
    gone, stays = Ear(), Ear()
    end = bus.subscribe("news", gone)
    bus.subscribe("news", stays)
    await bus.settled()
    end()
    end()
    await bus.publish("news", ["rain"])
    await stays.has_heard("rain")
    assert not gone.heard


async def test_a_channel_can_be_left_and_joined_again(bus: Bus) -> None:
    ear = Ear()
    for message in ("one", "two", "three"):
        end = bus.subscribe("news", ear)
        await bus.settled()
        await bus.publish("news", [message])
        await ear.has_heard(message)
        end()
    assert ear.heard == ["one", "two", "three"]


async def test_subscribing_while_listening_works(bus: Bus) -> None:
    ears = {str(number): Ear() for number in range(50)}
    for channel, ear in ears.items():
        bus.subscribe(channel, ear)
        await bus.publish("0", ["noise"])
    await bus.settled()
    for channel in ears:
        await bus.publish(channel, ["hello"])
    for ear in ears.values():
        await ear.has_heard("hello")


async def test_a_listener_that_fails_disturbs_nobody(bus: Bus) -> None:
    def fail(message: str) -> None:
        raise ValueError(message)

    ear = Ear()
    bus.subscribe("news", fail)
    bus.subscribe("news", ear)
    await bus.settled()
    with capture_logs() as logs:
        await bus.publish("news", ["one", "two"])
        await ear.has_heard("one", "two")
    assert [entry["event"] for entry in logs] == ["bus.listener_failed"] * 2


async def test_publishing_to_nobody_is_fine(bus: Bus) -> None:
    await bus.publish("news", ["rain"])
    await bus.publish("news", [])
    await bus.ping()


async def test_a_stopped_bus_delivers_nothing(bus: Bus) -> None:
    ear = Ear()
    bus.subscribe("news", ear)
    await bus.settled()
    await bus.stop()
    await bus.publish("news", ["rain"])
    await bus.stop()
    assert not ear.heard


async def test_buses_of_different_processes_hear_each_other(valkey_url: str) -> None:
    here, there = RedisBus(valkey_url), RedisBus(valkey_url)
    ear = Ear()
    await here.start()
    await there.start()
    there.subscribe("news", ear)
    await there.settled()
    await here.publish("news", ["rain"])
    await ear.has_heard("rain")
    await here.stop()
    await there.stop()
