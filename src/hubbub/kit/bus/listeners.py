"""Who listens to which channel in this process."""

from collections.abc import Callable

import structlog

from hubbub.kit.bus import Listener

log = structlog.get_logger()


class Listeners:
    def __init__(self) -> None:
        self._by_channel: dict[str, list[Listener]] = {}

    @property
    def channels(self) -> frozenset[str]:
        return frozenset(self._by_channel)

    def add(self, channel: str, listener: Listener) -> Callable[[], None]:
        self._by_channel.setdefault(channel, []).append(listener)

        def remove() -> None:
            listeners = self._by_channel.get(channel, [])
            if listener in listeners:
                listeners.remove(listener)
            if not listeners:
                self._by_channel.pop(channel, None)

        return remove

    def clear(self) -> None:
        self._by_channel.clear()

    def deliver(self, channel: str, message: str) -> None:
        for listener in tuple(self._by_channel.get(channel, ())):
            try:
                listener(message)
            except Exception:
                # one listener's mistake is not the others'
                log.exception("bus.listener_failed", channel=channel)
