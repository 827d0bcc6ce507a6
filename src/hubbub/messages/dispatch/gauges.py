"""What can be seen of all pushing from outside."""

from sqlalchemy import func, or_, select

from hubbub.kit.db.dialect import db_now
from hubbub.kit.resources import Resources
from hubbub.messages.models import Lane

EVERY = 10.0


async def measure(resources: Resources) -> None:
    """Of the hub, not of this process: all of them say the same."""
    now = db_now()
    is_due = (Lane.due_at <= now) & or_(Lane.lease_until.is_(None), Lane.lease_until <= now)
    async with resources.database.read() as session:
        due, oldest = (
            await session.execute(select(func.count(), func.min(Lane.due_at)).where(is_due))
        ).one()
        paused = select(func.count()).where(Lane.paused_at.is_not(None))
        resources.metrics.lanes.labels("paused").set(await session.scalar(paused) or 0)
    resources.metrics.lanes.labels("due").set(due)
    age = 0.0 if oldest is None else (resources.clock.now() - oldest).total_seconds()
    resources.metrics.oldest_push.set(max(0.0, age))
