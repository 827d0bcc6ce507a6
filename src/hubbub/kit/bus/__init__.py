"""Wake-ups between the parts and processes of a hub.

A wake-up is a hint: it may be lost, and it never carries what was not stored first. Whoever waits
for one also looks at the table from time to time.
"""

from collections.abc import Callable
from typing import Protocol

type Listener = Callable[[str], None]
"""Is called with the message, on the event loop; must not block."""


class Bus(Protocol):
    async def start(self) -> None: ...

    async def stop(self) -> None:
        """Ends every subscription. Nothing is delivered afterwards."""
        ...

    async def publish(self, channel: str, messages: list[str]) -> None:
        """Never raises for a bus that is away, nor for a listener that fails."""
        ...

    def subscribe(self, channel: str, listener: Listener) -> Callable[[], None]:
        """Takes effect soon, see `settled`. Returns what ends the subscription."""
        ...

    async def settled(self) -> None:
        """Returns once every subscription made so far is in effect; waits while the bus is away."""
        ...

    async def ping(self) -> None:
        """Raises when the bus is away."""
        ...
