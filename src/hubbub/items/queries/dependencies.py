"""What waits for what."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, exists, func, select, update

from hubbub.items.models import Item, ItemDependency
from hubbub.items.types import Status
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession

_MOST_SHOWN = 1000


async def list_needs(
    session: AsyncReadSession, visible: Select[UUID], item_id: UUID
) -> Sequence[Item]:
    statement = (
        select(Item)
        .join(ItemDependency, ItemDependency.needs_id == Item.id)
        .where(ItemDependency.item_id == item_id, Item.id.in_(visible))
    )
    return (await session.scalars(statement.order_by(Item.id).limit(_MOST_SHOWN))).all()


async def list_needed_by(
    session: AsyncReadSession, visible: Select[UUID], item_id: UUID
) -> Sequence[Item]:
    statement = (
        select(Item)
        .join(ItemDependency, ItemDependency.item_id == Item.id)
        .where(ItemDependency.needs_id == item_id, Item.id.in_(visible))
    )
    return (await session.scalars(statement.order_by(Item.id).limit(_MOST_SHOWN))).all()


async def existing(
    session: AsyncReadSession, visible: Select[UUID], item_ids: Sequence[UUID]
) -> set[UUID]:
    """Those of these that the caller sees."""
    return set(await session.scalars(visible.where(Item.id.in_(item_ids))))


async def count_needs(session: AsyncReadSession, item_id: UUID) -> int:
    statement = select(func.count()).where(ItemDependency.item_id == item_id)
    return await session.scalar(statement) or 0


async def leads_to(session: AsyncReadSession, start_id: UUID, end_id: UUID) -> bool:
    """Whether the first waits for the second, directly or by others."""
    reached = (
        select(ItemDependency.needs_id.label("id"))
        .where(ItemDependency.item_id == start_id)
        .cte("reached", recursive=True)
    )
    # UNION and not UNION ALL: each is followed once, however many ways lead to it
    reached = reached.union(
        select(ItemDependency.needs_id).join(reached, ItemDependency.item_id == reached.c.id)
    )
    return bool(await session.scalar(select(exists().where(reached.c.id == end_id))))


async def is_needed(session: AsyncReadSession, item_id: UUID) -> bool:
    return bool(await session.scalar(select(exists().where(ItemDependency.needs_id == item_id))))


async def lock_waiting(session: AsyncWriteSession, item_id: UUID) -> Sequence[UUID]:
    """What waits for this one. All lock in one order, so that no two wait for each other."""
    waiting = select(ItemDependency.item_id).where(ItemDependency.needs_id == item_id)
    statement = select(Item.id).where(Item.id.in_(waiting)).order_by(Item.id).with_for_update()
    return (await session.scalars(statement)).all()


async def count_unfinished(session: AsyncWriteSession, item_ids: Sequence[UUID]) -> None:
    """Counts anew what these still wait for; they are locked."""
    needed = Item.__table__.alias("needed")
    unfinished = (
        select(func.count())
        .select_from(ItemDependency)
        .join(needed, needed.c.id == ItemDependency.needs_id)
        .where(ItemDependency.item_id == Item.id, needed.c.status != Status.DONE)
        .correlate(Item)
        .scalar_subquery()
    )
    await session.execute(
        update(Item)
        .where(Item.id.in_(item_ids))
        .values(waiting_for=unfinished)
        .execution_options(synchronize_session=False)
    )
