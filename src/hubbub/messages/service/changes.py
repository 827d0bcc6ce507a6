"""Telling senders that a delivery of theirs stands differently now. A hint: it rides in no outbox
and may get lost, and whoever must know looks at the deliveries."""

from collections.abc import Sequence
from uuid import UUID

import orjson
from sqlalchemy import Row

from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.messages.models import Delivery
from hubbub.messages.types import State, delivery_id

TOPIC = "messages.changed"
CHANGED = (Delivery.sender_id, Delivery.recipient_id, Delivery.message_id, Delivery.state)
"""What a statement that changes deliveries returns for this."""
MOST_TOLD = 1000
"""Changes of one transaction that are told; more at once are nobody's news."""

type Change = Row[UUID, UUID, UUID, State] | tuple[UUID, UUID, UUID, State]


def tell_changes(session: AsyncWriteSession, rows: Sequence[Change]) -> None:
    """Once this session has committed."""
    if rows:
        session.tell(TOPIC, changes(rows))


def changes(rows: Sequence[Change]) -> str:
    told = [
        {
            "sender_id": str(sender_id),
            "delivery": {
                "id": delivery_id(message_id, recipient_id),
                "message_id": str(message_id),
                "agent_id": str(recipient_id),
                "state": state,
            },
        }
        for sender_id, recipient_id, message_id, state in rows[:MOST_TOLD]
    ]
    return orjson.dumps(told).decode()
