"""The bus of a hub that is one process."""

from collections import defaultdict
from collections.abc import Callable

from hubbub.kit.bus import Listener


class MemoryBus:
    def __init__(self) -> None:
        self._listeners: defaultdict[str, list[Listener]] = defaultdict(list)

    async def start(self) -> None:
        return None

    async def stop(self) -> None:
        self._listeners.clear()

    async def publish(self, channel: str, messages: list[str]) -> None:
        for listener in tuple(self._listeners[channel]):
            for message in messages:
                listener(message)

    def subscribe(self, channel: str, listener: Listener) -> Callable[[], None]:
        self._listeners[channel].append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners[channel]:
                self._listeners[channel].remove(listener)

        return unsubscribe

    async def ping(self) -> None:
        return None
