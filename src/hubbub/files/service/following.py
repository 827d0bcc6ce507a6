"""Files of an agent that has got another owner: they count against that one's quota."""

from collections import Counter
from uuid import UUID

from sqlalchemy import select, update

from hubbub.agents.models import Agent
from hubbub.files.models import File, FileUse
from hubbub.kit.db.dialect import insert_or_ignore
from hubbub.kit.db.sessions import AsyncWriteSession


async def follow(session: AsyncWriteSession, agent_id: UUID) -> None:
    """What the new owner has may be more than the quota then; it only keeps further files out."""
    owner_id = await session.scalar(select(Agent.owner_id).where(Agent.id == agent_id))
    if owner_id is None:
        return
    others = select(File.id, File.user_id, File.size).where(
        File.participant_id == agent_id, File.user_id.is_distinct_from(owner_id)
    )
    rows = (await session.execute(others.order_by(File.id).with_for_update())).all()
    if not rows:
        return
    changes: Counter[UUID] = Counter()
    for _, user_id, size in rows:
        changes[owner_id] += size
        if user_id is not None:
            changes[user_id] -= size
    await session.execute(
        update(File)
        .where(File.participant_id == agent_id)
        .values(user_id=owner_id)
        .execution_options(synchronize_session=False)
    )
    first = insert_or_ignore(session, FileUse, unique=["user_id"])
    await session.execute(first.values({"user_id": owner_id, "bytes": 0}))
    for user_id, change in sorted(changes.items()):
        use = update(FileUse).where(FileUse.user_id == user_id)
        await session.execute(use.values(bytes=FileUse.bytes + change))
