"""The bus of a hub that is one process."""

from collections.abc import Callable

from hubbub.kit.bus import Listener
from hubbub.kit.bus.listeners import Listeners


class MemoryBus:
    def __init__(self) -> None:
        self._listeners = Listeners()

    async def start(self) -> None:
        return None

    async def stop(self) -> None:
        self._listeners.clear()

    async def publish(self, channel: str, messages: list[str]) -> None:
        for message in messages:
            self._listeners.deliver(channel, message)

    def subscribe(self, channel: str, listener: Listener) -> Callable[[], None]:
        return self._listeners.add(channel, listener)

    async def settled(self) -> None:
        return None

    async def ping(self) -> None:
        return None
