"""The bus between processes: publish and subscribe on Redis or Valkey."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from hubbub.kit.bus import Listener
from hubbub.kit.bus.listeners import Listeners
from hubbub.kit.bus.outage import Outage

_PREFIX = "hubbub:bus:"
_ALWAYS = ""
"""A channel nobody publishes on: a connection without any subscription can't be read."""
_TIMEOUT = 2.0


class SilenceError(RedisError):
    """A connection that looks open, with nobody at its other end."""


class RedisBus:
    """Publishes through a pool; one more connection listens, and comes back by itself."""

    def __init__(self, url: str, *, quiet: float = 5.0) -> None:
        """After `quiet` seconds without a word the server is asked whether it is still there."""
        # a connection that has gone stale in the pool is replaced once, a server that is away
        # must not hold up the caller
        self._publisher = Redis.from_url(
            url,
            socket_timeout=_TIMEOUT,
            socket_connect_timeout=_TIMEOUT,
            retry=Retry(NoBackoff(), 1),
        )
        self._subscriber = Redis.from_url(
            url,
            socket_timeout=None,
            socket_connect_timeout=_TIMEOUT,
            retry=Retry(NoBackoff(), 0),
        )
        self._quiet = quiet
        self._listeners = Listeners()
        self._publishing = Outage("bus.publisher")
        self._listening = Outage("bus.subscriber")
        self._changed = asyncio.Event()
        self._confirmed: set[str] = set()
        self._progress = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._listen(), name="bus")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self._listeners.clear()
        await self._publisher.aclose()
        await self._subscriber.aclose()

    async def publish(self, channel: str, messages: list[str]) -> None:
        if not messages or self._publishing.lasts:
            return
        try:
            async with (
                asyncio.timeout(_TIMEOUT),
                self._publisher.pipeline(transaction=False) as pipe,
            ):
                for message in messages:
                    pipe.publish(_PREFIX + channel, message)  # type: ignore[unused-awaitable]
                await pipe.execute()
        except (RedisError, OSError) as error:
            self._publishing.failed(error)
        else:
            self._publishing.over()

    def subscribe(self, channel: str, listener: Listener) -> Callable[[], None]:
        remove = self._listeners.add(channel, listener)
        self._changed.set()

        def unsubscribe() -> None:
            remove()
            self._changed.set()

        return unsubscribe

    async def settled(self) -> None:
        async with self._progress:
            await self._progress.wait_for(lambda: self._wanted() <= self._confirmed)

    async def ping(self) -> None:
        await self._publisher.ping()

    def _wanted(self) -> frozenset[str]:
        return self._listeners.channels | {_ALWAYS}

    async def _listen(self) -> None:
        while True:
            pubsub = self._subscriber.pubsub()
            try:
                await self._listen_on(pubsub)
            except* (RedisError, OSError) as errors:
                await asyncio.sleep(self._listening.failed(errors.exceptions[0]))
            finally:
                self._confirmed.clear()
                await pubsub.aclose()  # type: ignore[no-untyped-call]

    async def _listen_on(self, pubsub: PubSub) -> None:
        """Reads and subscribes until the connection breaks, which raises."""
        asked: set[str] = set()
        await self._adjust(pubsub, asked)
        self._listening.over()
        async with asyncio.TaskGroup() as group:
            follower = group.create_task(self._follow(pubsub, asked))
            try:
                await self._read(pubsub)
            finally:
                follower.cancel()

    async def _follow(self, pubsub: PubSub, asked: set[str]) -> None:
        while True:
            await self._changed.wait()
            await self._adjust(pubsub, asked)

    async def _adjust(self, pubsub: PubSub, asked: set[str]) -> None:
        """Asks the server for the channels that are wanted now, and for no others."""
        self._changed.clear()
        wanted = self._wanted()
        new, old = wanted - asked, asked - wanted
        asked |= new
        asked -= old
        self._confirmed -= old
        if new:
            await pubsub.subscribe(*(_PREFIX + channel for channel in new))
        if old:
            await pubsub.unsubscribe(*(_PREFIX + channel for channel in old))

    async def _read(self, pubsub: PubSub) -> None:
        asked = False
        while True:
            message = await pubsub.get_message(timeout=self._quiet)
            if message is None:
                if asked:
                    raise SilenceError
                asked = True
                await pubsub.ping()
                continue
            asked = False
            if message["type"] == "message":
                self._listeners.deliver(_channel(message), message["data"].decode())
            elif message["type"] == "subscribe":
                async with self._progress:
                    self._confirmed.add(_channel(message))
                    self._progress.notify_all()


def _channel(message: dict[str, Any]) -> str:
    name: str = message["channel"].decode()
    return name.removeprefix(_PREFIX)
