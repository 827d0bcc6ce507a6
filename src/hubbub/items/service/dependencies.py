"""What must be done before.

An item carries how many it still waits for, so that one compare-and-set decides a claim and an
index finds what is ready. Whoever changes what waits for what goes through the gate alone: then
nobody else does, no cycle can come of two changes at once, and nothing is being completed. Whoever
completes an item goes through it together with others.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete

from hubbub.agents.types import Actor
from hubbub.items import queries
from hubbub.items.errors import (
    DependencyCycle,
    DependencyNotFound,
    ItemNotFound,
    ItemNotOpen,
    NotYourItem,
    TooManyDependencies,
)
from hubbub.items.models import Item, ItemDependency
from hubbub.items.schemas import MAX_DEPENDENCIES, Dependencies
from hubbub.items.service.history import note
from hubbub.items.service.reading import dependencies_of
from hubbub.items.types import Act, Status
from hubbub.kit.db.dialect import insert_or_ignore
from hubbub.kit.db.gates import go_alone
from hubbub.kit.db.sessions import AsyncWriteSession

GATE = "items.dependencies"


async def add_dependency(
    session: AsyncWriteSession, actor: Actor, item_id: UUID, needs_id: UUID
) -> Dependencies:
    """Adding it once more changes nothing."""
    await go_alone(session, GATE)
    item = await _lock_open(session, actor, item_id)
    if await wait_for(session, actor, item.id, [needs_id]):
        note(session, actor, item.id, Act.DEPENDENCY_ADDED, item_id=str(needs_id))
    return await dependencies_of(session, actor, item)


async def wait_for(
    session: AsyncWriteSession, actor: Actor, item_id: UUID, needs: Sequence[UUID]
) -> int:
    """For who is alone in the gate, and has the item locked. Returns how many came new."""
    wanted = sorted(set(needs))
    if not wanted:
        return 0
    if await queries.existing(session, queries.visible_ids(actor), wanted) != set(wanted):
        raise ItemNotFound
    for needs_id in wanted:
        if needs_id == item_id or await queries.leads_to(session, needs_id, item_id):
            raise DependencyCycle
    rows = [{"item_id": item_id, "needs_id": needs_id} for needs_id in wanted]
    unique = ["item_id", "needs_id"]
    statement = insert_or_ignore(session, ItemDependency, unique=unique).values(rows)
    new = (await session.scalars(statement.returning(ItemDependency.needs_id))).all()
    if await queries.count_needs(session, item_id) > MAX_DEPENDENCIES:
        msg = f"At most {MAX_DEPENDENCIES}."
        raise TooManyDependencies(msg)
    await queries.count_unfinished(session, [item_id])
    return len(new)


async def remove_dependency(
    session: AsyncWriteSession, actor: Actor, item_id: UUID, needs_id: UUID
) -> None:
    await go_alone(session, GATE)
    item = await _lock_open(session, actor, item_id)
    statement = (
        delete(ItemDependency)
        .where(ItemDependency.item_id == item.id, ItemDependency.needs_id == needs_id)
        .returning(ItemDependency.needs_id)
        .execution_options(synchronize_session=False)
    )
    if (await session.scalars(statement)).one_or_none() is None:
        raise DependencyNotFound
    await queries.count_unfinished(session, [item.id])
    note(session, actor, item.id, Act.DEPENDENCY_REMOVED, item_id=str(needs_id))


async def _lock_open(session: AsyncWriteSession, actor: Actor, item_id: UUID) -> Item:
    item = await queries.lock_item(session, actor, item_id)
    if item is None:
        raise ItemNotFound
    if not actor.is_admin and not actor.speaks_as(item.creator_id, item.creator.owner_id):
        raise NotYourItem
    if item.status is not Status.OPEN:
        raise ItemNotOpen
    return item


async def set_free(session: AsyncWriteSession, item_id: UUID) -> None:
    """What waited for an item that is done now."""
    waiting = await queries.lock_waiting(session, item_id)
    if waiting:
        await queries.count_unfinished(session, waiting)
