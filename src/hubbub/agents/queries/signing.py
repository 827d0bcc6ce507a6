from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import or_, select

from hubbub.agents.models import SigningSecret
from hubbub.kit.db.dialect import db_now
from hubbub.kit.db.sessions import AsyncReadSession


async def current_secrets(
    session: AsyncReadSession, agent_ids: Sequence[UUID]
) -> Sequence[SigningSecret]:
    """Those that sign at present, the newest first; for whoever pushes, where nobody is looking."""
    statement = (
        select(SigningSecret)
        .where(
            SigningSecret.agent_id.in_(agent_ids),
            or_(SigningSecret.expires_at.is_(None), SigningSecret.expires_at > db_now()),
        )
        .order_by(SigningSecret.id.desc())
    )
    return (await session.scalars(statement)).all()
