"""Items as they are shown."""

from collections.abc import Sequence
from uuid import UUID

from hubbub.agents.models import Agent
from hubbub.agents.schemas import Other
from hubbub.agents.service.reading import other
from hubbub.agents.types import Actor
from hubbub.files.schemas import shown_files
from hubbub.items import queries
from hubbub.items.errors import ItemNotFound
from hubbub.items.models import Item
from hubbub.items.queries import Filters
from hubbub.items.schemas import ChangeRead, Dependencies, ItemRead, RelatedItem
from hubbub.items.types import Status
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.kit.pagination import PageOf, PageRequest


async def get_item(session: AsyncReadSession, actor: Actor, item_id: UUID) -> Item:
    item = await queries.find_item(session, actor, item_id)
    if item is None:
        raise ItemNotFound
    return item


def shown(actor: Actor, item: Item) -> ItemRead:
    holds = item.holder is not None and actor.speaks_as(item.holder.id, item.holder.owner_id)
    return ItemRead(
        id=item.id,
        title=item.title,
        body=item.body,
        priority=item.priority,
        labels=[each.label for each in item.labels],
        files=shown_files(item.files),
        status=item.status,
        creator=other(item.creator),
        assignee=_maybe(item.assignee),
        holder=_maybe(item.holder),
        lease_until=item.lease_until,
        fence=item.fence if holds and item.status is Status.CLAIMED else None,
        waiting_for=item.waiting_for,
        room_id=item.room_id,
        thread_id=item.thread_id,
        due_at=item.due_at,
        result=item.result,
        created_at=item.created_at,
        updated_at=item.updated_at,
        claimed_at=item.claimed_at,
        finished_at=item.finished_at,
    )


def _maybe(agent: Agent | None) -> Other | None:
    return None if agent is None else other(agent)


async def list_items(
    session: AsyncReadSession, actor: Actor, filters: Filters, page: PageRequest, *, ready: bool
) -> PageOf[ItemRead]:
    listing = queries.list_ready if ready else queries.list_items
    rows, cursor = await listing(session, actor, filters, page)
    return PageOf(items=[shown(actor, row) for row in rows], next_cursor=cursor)


async def list_changes(
    session: AsyncReadSession, item: Item, page: PageRequest
) -> PageOf[ChangeRead]:
    rows, cursor = await queries.list_changes(session, item, page)
    items = [
        ChangeRead(at=row.at, by=_maybe(row.by), act=row.act, details=row.details) for row in rows
    ]
    return PageOf(items=items, next_cursor=cursor)


async def dependencies_of(session: AsyncReadSession, actor: Actor, item: Item) -> Dependencies:
    visible = queries.visible_ids(actor)
    return Dependencies(
        needs=_related(await queries.list_needs(session, visible, item.id)),
        needed_by=_related(await queries.list_needed_by(session, visible, item.id)),
    )


def _related(items: Sequence[Item]) -> list[RelatedItem]:
    return [RelatedItem(id=each.id, title=each.title, status=each.status) for each in items]
