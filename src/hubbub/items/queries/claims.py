"""The statements that decide who has an item. Each is one compare-and-set, by the database's clock:
of any number that come at once, one finds the row as it expects it."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, or_, select, text, update

from hubbub.agents.models import Agent
from hubbub.agents.queries import spoken_for
from hubbub.agents.types import Actor
from hubbub.items.models import HELD, UNBLOCKED, Item, ItemLabel
from hubbub.items.types import Status
from hubbub.kit.db.dialect import db_now, either
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.rooms.models import Room, RoomMember
from hubbub.rooms.queries import open_rooms
from hubbub.rooms.types import MemberRole


def is_lapsed() -> ColumnElement[bool]:
    """A claim whose time is over is nobody's any more, whoever notices it first."""
    return and_(Item.status == Status.CLAIMED, Item.lease_until <= db_now())


def _is_free() -> list[ColumnElement[bool]]:
    # the index knows those that are claimed too: there are never many of them at once
    return [text(UNBLOCKED), either(Item.status == Status.OPEN, Item.lease_until <= db_now())]  # type: ignore[list-item]


def claimable_by(participants: Select[UUID]) -> list[ColumnElement[bool]]:
    """By one of these: free, not meant for somebody else, and in no room where they are silent."""
    speaks_in = (
        select(RoomMember.room_id)
        .join(Room, Room.id == RoomMember.room_id)
        .where(
            RoomMember.participant_id.in_(participants),
            RoomMember.role != MemberRole.OBSERVER,
            Room.deleted_at.is_(None),
        )
    )
    return [
        *_is_free(),
        either(Item.assignee_id.is_(None), Item.assignee_id.in_(participants)),
        either(Item.room_id.is_(None), Item.room_id.in_(speaks_in)),
    ]


class Lapsed(NamedTuple):
    """A claim as it was when its time had passed."""

    item_id: UUID
    title: str
    fence: int
    creator_id: UUID
    room_id: UUID | None
    holder_id: UUID


def _claim() -> Select[*tuple[Any, ...]]:
    return select(
        Item.id, Item.title, Item.fence, Item.creator_id, Item.room_id, Item.holder_id
    ).where(Item.holder_id.is_not(None))


async def find_to_claim(session: AsyncWriteSession, actor: Actor, item_id: UUID) -> Item | None:
    """Nobody but the clock changes it from here on: taken from a holder, it has lapsed."""
    rooms = open_rooms(spoken_for(actor))
    statement = (
        select(Item)
        .where(Item.id == item_id, or_(Item.room_id.is_(None), Item.room_id.in_(rooms)))
        .with_for_update(of=Item)
    )
    return (await session.scalars(statement)).one_or_none()


async def next_to_claim(
    session: AsyncWriteSession,
    participant_id: UUID,
    *,
    label: str | None,
    room_id: UUID | None,
) -> Item | None:
    """The most urgent, then the oldest, that nobody else is about to take."""
    me = select(Agent.id).where(Agent.id == participant_id)
    statement = select(Item).where(*claimable_by(me))
    if label is not None:
        labelled = select(ItemLabel.item_id).where(ItemLabel.label == label.lower())
        statement = statement.where(Item.id.in_(labelled))
    if room_id is not None:
        statement = statement.where(Item.room_id == room_id)
    statement = statement.order_by(Item.rank, Item.id).limit(1)
    statement = statement.with_for_update(of=Item, skip_locked=True)
    return (await session.scalars(statement)).one_or_none()


async def take(
    session: AsyncWriteSession, item_id: UUID, participant_id: UUID, lease_seconds: int
) -> int | None:
    """The fence of the claim; None if it wasn't to be had."""
    statement = (
        update(Item)
        .where(
            Item.id == item_id,
            *_is_free(),
            or_(Item.assignee_id.is_(None), Item.assignee_id == participant_id),
        )
        .values(
            status=Status.CLAIMED,
            holder_id=participant_id,
            fence=Item.fence + 1,
            lease_until=db_now(lease_seconds),
            claimed_at=db_now(),
            updated_at=db_now(),
        )
        .returning(Item.fence)
        .execution_options(synchronize_session=False)
    )
    return (await session.scalars(statement)).one_or_none()


async def change_held(session: AsyncWriteSession, item_id: UUID, fence: int, **values: Any) -> bool:
    """By its holder, as long as the claim holds."""
    statement = (
        update(Item)
        .where(
            Item.id == item_id,
            Item.status == Status.CLAIMED,
            Item.fence == fence,
            Item.lease_until > db_now(),
        )
        .values(updated_at=db_now(), **values)
        .returning(Item.id)
        .execution_options(synchronize_session=False)
    )
    return (await session.scalars(statement)).one_or_none() is not None


async def lapsed_claims(session: AsyncReadSession, limit: int) -> Sequence[Lapsed]:
    """Those that nobody has noticed yet, where nobody is looking."""
    statement = (
        _claim()
        .where(text(HELD), Item.lease_until <= db_now())
        .order_by(Item.lease_until)
        .limit(limit)
    )
    return [Lapsed(*row) for row in await session.execute(statement)]


async def put_back(session: AsyncWriteSession, lapsed: Lapsed) -> bool:
    """Opens it again; another fence tells whoever saw it lapsed that this was noticed."""
    statement = (
        update(Item)
        .where(Item.id == lapsed.item_id, Item.fence == lapsed.fence, is_lapsed())
        .values(
            status=Status.OPEN,
            holder_id=None,
            lease_until=None,
            fence=Item.fence + 1,
            updated_at=db_now(),
        )
        .returning(Item.id)
        .execution_options(synchronize_session=False)
    )
    return (await session.scalars(statement)).one_or_none() is not None
