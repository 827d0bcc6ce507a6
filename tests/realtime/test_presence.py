from typing import Any

from redis.asyncio import Redis

from hubbub.agents.presence import PresenceBuffer
from hubbub.kit.resources import Resources
from hubbub.realtime.redis import SharedPresence
from tests.fixtures.waiting import eventually
from tests.messages.conftest import Talker
from tests.realtime.conftest import Dial, inbox_of, key_of


async def seen_by(other: Talker, talker: Talker) -> dict[str, Any]:
    answer = await other.client.get(f"/api/v1/agents/{talker.id}/presence")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_who_is_connected_is_seen_by_others(dial: Dial, alice: Talker, bob: Talker) -> None:
    before = await seen_by(alice, bob)
    lines = [await dial(inbox_of(bob), key_of(bob)) for _ in range(2)]
    during = await seen_by(alice, bob)
    for line in lines:
        await line.socket.close()

    assert (before["online"], before["connections"]) == (False, 0)
    assert (during["online"], during["connections"]) == (True, 2)

    async def is_gone() -> bool:
        return (await seen_by(alice, bob))["online"] is False

    await eventually(is_gone)


async def test_an_owner_who_looks_in_does_not_make_the_agent_present(
    dial: Dial, alice: Talker, bob: Talker
) -> None:
    await dial(inbox_of(bob), str(bob.owner.tokens["access_token"]))

    assert (await seen_by(alice, bob))["online"] is False


class TestManyProcesses:
    async def test_each_counts_what_the_others_hold(
        self, hub: Resources, valkey_url: str, bob: Talker
    ) -> None:
        async with Redis.from_url(valkey_url) as redis:
            one, two = [SharedPresence(redis, PresenceBuffer(hub)) for _ in range(2)]
            one.connected(bob.id)
            two.connected(bob.id)
            for each in (one, two):
                await each.share()
            assert [await each.count(bob.id) for each in (one, two)] == [2, 2]
            assert await one.everyone() == await two.everyone() == {bob.id}

            two.disconnected(bob.id)
            await two.share()
            assert await one.count(bob.id) == 1
            # one that is killed renews nothing
            await one.share()
            assert 0 < await redis.ttl(f"hubbub:presence:{one._process}") <= 45
            await redis.delete(f"hubbub:presence:{one._process}")
            assert await two.count(bob.id) == 0
            # and what has forgotten everything is told again
            await one.share()
            assert await two.count(bob.id) == 1

    async def test_without_redis_nobody_knows(self, hub: Resources, bob: Talker) -> None:
        async with Redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=0.2) as redis:
            presence = SharedPresence(redis, PresenceBuffer(hub))
            presence.connected(bob.id)
            await presence.share()

            assert await presence.count(bob.id) is None
