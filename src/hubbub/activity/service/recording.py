from uuid import UUID

from hubbub.activity.models import Activity
from hubbub.kit.context import request_context
from hubbub.kit.db.sessions import AsyncWriteSession


def record(
    session: AsyncWriteSession,
    action: str,
    *,
    actor_id: UUID | None,
    target_kind: str | None = None,
    target_id: UUID | None = None,
    **details: str | int | bool | None,
) -> None:
    """Writes down an act in the act's own transaction: `domain.verb`, and never a secret."""
    context = request_context.get()
    session.add(
        Activity(
            actor_id=actor_id,
            action=action,
            target_kind=target_kind,
            target_id=target_id,
            request_id=context.request_id if context else None,
            address=context.address if context else None,
            details=details,
        )
    )
