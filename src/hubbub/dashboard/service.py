from datetime import datetime, timedelta
from uuid import UUID

from hubbub.agents.types import Actor
from hubbub.dashboard import queries
from hubbub.dashboard.schemas import Dashboard, View
from hubbub.items.queries import count_by_status
from hubbub.items.types import Status
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.messages.types import State


async def dashboard(
    session: AsyncReadSession,
    actor: Actor,
    now: datetime,
    days: int,
    online: set[UUID] | None,
) -> Dashboard:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    since = now - timedelta(days=days)
    counts = await queries.count(session, actor, today)
    deliveries = await queries.count_deliveries(session, actor, since)
    items = await count_by_status(session, None if actor.is_admin else actor)
    return Dashboard(
        view=View.HUB if actor.is_admin else View.MINE,
        users=counts.users,
        agents=counts.agents,
        agents_online=None if online is None else await queries.count_agents(session, online),
        messages_today=counts.messages,
        today_since=today,
        deliveries={state: deliveries.get(state, 0) for state in State},
        deliveries_since=since,
        files=counts.files,
        file_bytes=counts.file_bytes,
        items={status: items.get(status, 0) for status in Status},
    )
