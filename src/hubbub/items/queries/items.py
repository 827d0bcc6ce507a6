"""Which items there are for somebody: those of everybody, those in public rooms, and those in the
rooms that they, or an agent of theirs, are in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, joinedload, selectinload

from hubbub.agents.queries import spoken_for
from hubbub.agents.types import Actor
from hubbub.items.models import Item, ItemChange, ItemLabel
from hubbub.items.queries.claims import claimable_by
from hubbub.items.types import Status
from hubbub.kit.db.dialect import either
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.pagination import Order, PageRequest, paginate
from hubbub.rooms.queries import is_open, open_rooms

_NEWEST = Order("items", Item.created_at, Item.id, descending=True)
_MOST_URGENT = Order("items.ready", Item.rank, Item.id)
_FIRST = Order("items.history", ItemChange.at, ItemChange.id)
_WHOLE = (
    joinedload(Item.creator, innerjoin=True),
    joinedload(Item.assignee),
    joinedload(Item.holder),
    selectinload(Item.labels),
    selectinload(Item.files),
)


@dataclass(frozen=True, slots=True)
class Filters:
    status: Status | None = None
    label: str | None = None
    room: UUID | None = None
    creator: UUID | None = None
    assignee: UUID | None = None
    holder: UUID | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        wanted = {
            Item.status: self.status,
            Item.room_id: self.room,
            Item.creator_id: self.creator,
            Item.assignee_id: self.assignee,
            Item.holder_id: self.holder,
        }
        found = [column == value for column, value in wanted.items() if value is not None]
        if self.label is not None:
            labelled = select(ItemLabel.item_id).where(ItemLabel.label == self.label.lower())
            found.append(Item.id.in_(labelled))
        return found


def _visible(actor: Actor) -> ColumnElement[bool]:
    return either(Item.room_id.is_(None), Item.room_id.in_(open_rooms(spoken_for(actor))))


def sees_item(actor: Actor, item_id: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    """The same of the one item with the id in a column."""
    is_for_all = Item.room_id.is_(None)
    return exists().where(
        Item.id == item_id, or_(is_for_all, is_open(Item.room_id, spoken_for(actor)))
    )


def visible_ids(actor: Actor) -> Select[UUID]:
    return select(Item.id).where(_visible(actor))


def _one(actor: Actor, item_id: UUID) -> Select[Item]:
    return select(Item).where(Item.id == item_id, _visible(actor)).options(*_WHOLE)


async def find_item(session: AsyncReadSession, actor: Actor, item_id: UUID) -> Item | None:
    return (await session.scalars(_one(actor, item_id))).one_or_none()


async def lock_item(session: AsyncWriteSession, actor: Actor, item_id: UUID) -> Item | None:
    statement = _one(actor, item_id).with_for_update(of=Item)
    statement = statement.execution_options(populate_existing=True)
    return (await session.scalars(statement)).one_or_none()


async def reread(session: AsyncReadSession, item_id: UUID) -> Item:
    """One that a finder has given, after it was changed."""
    statement = select(Item).where(Item.id == item_id).options(*_WHOLE)
    statement = statement.execution_options(populate_existing=True)
    return (await session.scalars(statement)).one()


async def list_items(
    session: AsyncReadSession, actor: Actor, filters: Filters, page: PageRequest
) -> tuple[Sequence[Item], str | None]:
    statement = select(Item).where(_visible(actor), *filters.conditions()).options(*_WHOLE)
    return await paginate(session, statement, _NEWEST, page)


async def list_ready(
    session: AsyncReadSession, actor: Actor, filters: Filters, page: PageRequest
) -> tuple[Sequence[Item], str | None]:
    """What the caller, or an agent of theirs, can claim now: the most urgent first, then the
    oldest."""
    statement = select(Item).where(*claimable_by(spoken_for(actor)), *filters.conditions())
    return await paginate(session, statement.options(*_WHOLE), _MOST_URGENT, page)


async def list_changes(
    session: AsyncReadSession, item: Item, page: PageRequest
) -> tuple[Sequence[ItemChange], str | None]:
    """Of an item that a finder has given, as it came."""
    statement = (
        select(ItemChange).where(ItemChange.item_id == item.id).options(joinedload(ItemChange.by))
    )
    return await paginate(session, statement, _FIRST, page)


async def assigned_to(session: AsyncReadSession, participant_id: UUID) -> Sequence[UUID]:
    """What waits for one who is deleted, or would if it were opened again."""
    statement = select(Item.id).where(
        Item.assignee_id == participant_id, Item.status != Status.DONE
    )
    return (await session.scalars(statement.order_by(Item.id))).all()


async def count_by_status(session: AsyncReadSession, actor: Actor | None) -> Mapping[Status, int]:
    """What the actor sees; all there are for nobody in particular."""
    statement = select(Item.status, func.count()).group_by(Item.status)
    if actor is not None:
        statement = statement.where(_visible(actor))
    return {row[0]: row[1] for row in await session.execute(statement)}
