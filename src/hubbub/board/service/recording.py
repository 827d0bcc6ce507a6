from uuid import UUID

from hubbub.activity import service as activity
from hubbub.agents.types import Actor
from hubbub.kit.db.sessions import AsyncWriteSession


def record(
    session: AsyncWriteSession, actor: Actor, kind: str, what: str, target_id: UUID, **details: str
) -> None:
    activity.record(
        session,
        f"{kind}.{what}",
        actor_id=actor.recorded_as,
        target_kind=kind,
        target_id=target_id,
        **details,
    )
