"""What happens to deliveries that others may have to hear of."""

from typing import ClassVar
from uuid import UUID

from hubbub.kit.outbox import Event


class DeliveriesFailed(Event):
    """To one agent; they won't be pushed again unless somebody asks for it."""

    topic: ClassVar[str] = "messages.deliveries_failed"
    agent_id: UUID
    message_ids: list[UUID]


class GatewayPaused(Event):
    topic: ClassVar[str] = "messages.gateway_paused"
    agent_id: UUID
