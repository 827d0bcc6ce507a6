"""Every change of an item is written down twice: for whoever sees the item, and for the record of
the hub."""

from typing import Any
from uuid import UUID

from hubbub.activity import service as activity
from hubbub.agents.types import Actor
from hubbub.items.models import ItemChange
from hubbub.items.types import Act
from hubbub.kit.db.sessions import AsyncWriteSession


def note(
    session: AsyncWriteSession, actor: Actor | None, item_id: UUID, act: Act, /, **details: Any
) -> None:
    """Details are values that fit into a line, and what was said about the act."""
    session.add(
        ItemChange(
            item_id=item_id,
            by_id=actor.participant_id if actor is not None else None,
            act=act,
            details=details,
        )
    )
    # a claim that is kept up for days is one act
    if act is not Act.EXTENDED:
        record(session, actor, act.value, item_id)


def record(session: AsyncWriteSession, actor: Actor | None, what: str, item_id: UUID) -> None:
    activity.record(
        session,
        f"item.{what}",
        actor_id=actor.recorded_as if actor is not None else None,
        target_kind="item",
        target_id=item_id,
    )
