"""Filling a hub with what has been said in some days, past its doors."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import batched, count
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from hubbub.kit.db.database import Database
from hubbub.kit.ids import first_id_at
from hubbub.messages.models import Delivery, Message
from hubbub.messages.types import ContentType, Priority, State

_AT_ONCE = 5000
_OUTCOMES = [State.ACKED] * 6 + [State.DELIVERED] * 2 + [State.QUEUED, State.FAILED]
_DRAW = random.Random(7)


async def fill(database: Database, participants: Sequence[UUID], many: int, days: int) -> None:
    """So many messages, evenly over the days until now, each to one recipient."""
    for some in batched(_traffic(participants, many, days), _AT_ONCE):
        async with database.write() as session:
            await session.execute(insert(Message), [message for message, _ in some])
            await session.execute(insert(Delivery), [delivery for _, delivery in some])


def _traffic(
    participants: Sequence[UUID], many: int, days: int
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    # far above what the hub itself will give
    seqs = {each: count(1_000_000_000) for each in participants}
    began = datetime.now(UTC) - timedelta(days=days) + timedelta(minutes=1)
    step = (timedelta(days=days) - timedelta(minutes=2)) / many
    for number in range(many):
        at = began + number * step
        message_id = UUID(int=first_id_at(at).int | _DRAW.getrandbits(62))
        sender, recipient = _DRAW.choice(participants), _DRAW.choice(participants)
        yield (
            {
                "id": message_id,
                "sender_id": sender,
                "thread_id": message_id,
                "addressed": [],
                "content": "x" * 200,
                "content_type": ContentType.TEXT,
                "priority": Priority.NORMAL,
                "hops": 0,
                "created_at": at,
            },
            _delivery(message_id, sender, recipient, next(seqs[recipient]), at),
        )


def _delivery(
    message_id: UUID, sender: UUID, recipient: UUID, seq: int, at: datetime
) -> dict[str, Any]:
    state = _DRAW.choice(_OUTCOMES)
    arrived = state in {State.ACKED, State.DELIVERED}
    after = timedelta(seconds=_DRAW.expovariate(1))
    return {
        "recipient_id": recipient,
        "seq": seq,
        "message_id": message_id,
        "sender_id": sender,
        "state": state,
        "created_at": at,
        "delivered_at": at + after if arrived else None,
        "acked_at": at + 2 * after if state is State.ACKED else None,
        "attempts": _DRAW.choice([1, 1, 1, 2, 8]),
        "reason": "server_error" if state is State.FAILED else None,
    }
