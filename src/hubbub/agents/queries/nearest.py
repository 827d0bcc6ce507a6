from sqlalchemy import select

from hubbub.agents.models import Agent
from hubbub.kit.db.nearest import nearest
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.users.types import Viewer


async def nearest_handles(
    session: AsyncReadSession, viewer: Viewer, wanted: str, limit: int = 3
) -> list[str]:
    """What somebody may have meant who wrote `wanted`."""
    del viewer
    handles = select(Agent.handle).where(Agent.deleted_at.is_(None))
    return await nearest(session, handles, Agent.handle, wanted, limit)
