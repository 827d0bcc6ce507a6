"""How many live connections a participant has in this process."""

from collections import Counter
from uuid import UUID

from hubbub.agents.presence import PresenceBuffer


class Presence:
    def __init__(self, buffer: PresenceBuffer, *, alone: bool) -> None:
        """`alone`: whether there can be no other process. If there can, nobody who isn't here is
        known to be away."""
        self._buffer = buffer
        self._alone = alone
        self._here: Counter[UUID] = Counter()

    def start(self) -> None: ...

    async def stop(self) -> None: ...

    def connected(self, participant_id: UUID) -> None:
        self._here[participant_id] += 1
        self._noted(participant_id)

    def disconnected(self, participant_id: UUID) -> None:
        self._here[participant_id] -= 1
        if not self._here[participant_id]:
            del self._here[participant_id]
        self._noted(participant_id)

    def _noted(self, participant_id: UUID) -> None:
        self._buffer.seen(participant_id)

    async def count(self, participant_id: UUID) -> int | None:
        here = self._here[participant_id]
        return here if here or self._alone else None

    async def everyone(self) -> set[UUID] | None:
        return set(self._here) if self._alone else None
