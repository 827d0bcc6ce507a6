"""Which rooms there are for somebody: the public ones, and of the private ones those that they, or
an agent of theirs, are in or invited to. Admins see that the others are there."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from hubbub.agents.models import Agent
from hubbub.agents.queries import spoken_for
from hubbub.agents.types import Actor
from hubbub.kit.db.nearest import nearest
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.pagination import Order, PageRequest, paginate
from hubbub.rooms.models import Room, RoomInvite, RoomMember
from hubbub.rooms.queries.invites import is_heard
from hubbub.rooms.types import Visibility
from hubbub.users.models import User

_NEWEST = Order("rooms", Room.created_at, Room.id, descending=True)


def _joined(actor: Actor, only: UUID | None) -> ColumnElement[bool]:
    mine = spoken_for(actor, only)
    return Room.id.in_(select(RoomMember.room_id).where(RoomMember.participant_id.in_(mine)))


def _visible(actor: Actor, only: UUID | None = None) -> ColumnElement[bool]:
    """To the caller, or as `only` one of their participants sees it."""
    if only is None and actor.is_user and actor.viewer.is_admin:
        return true()
    mine = spoken_for(actor, only)
    invited = select(RoomInvite.room_id).where(RoomInvite.participant_id.in_(mine), is_heard())
    return or_(Room.visibility == Visibility.PUBLIC, _joined(actor, only), Room.id.in_(invited))


def visible_rooms(actor: Actor) -> Select[UUID]:
    return select(Room.id).where(_visible(actor))


def open_rooms(participants: Select[UUID]) -> Select[UUID]:
    """The rooms in which these see what stands there: the public ones, and their own. An invitation
    is no membership yet, and an admin no member."""
    joined = select(RoomMember.room_id).where(RoomMember.participant_id.in_(participants))
    return select(Room.id).where(or_(Room.visibility == Visibility.PUBLIC, Room.id.in_(joined)))


def is_open(
    room_id: InstrumentedAttribute[UUID | None], participants: Select[UUID]
) -> ColumnElement[bool]:
    """The same of the one room in a column, without looking at any other."""
    joined = exists().where(
        RoomMember.room_id == Room.id, RoomMember.participant_id.in_(participants)
    )
    return exists().where(Room.id == room_id, or_(Room.visibility == Visibility.PUBLIC, joined))


async def find_room(session: AsyncReadSession, actor: Actor, room_id: UUID) -> Room | None:
    """Deleted ones too: what was said there stays readable, so look at `deleted_at` before more is
    said."""
    statement = select(Room).where(Room.id == room_id, _visible(actor))
    return (await session.scalars(statement)).one_or_none()


async def find_room_by_name(session: AsyncReadSession, actor: Actor, name: str) -> Room | None:
    """The same, by the name in any case."""
    statement = select(Room).where(Room.name == name.lower(), _visible(actor))
    return (await session.scalars(statement)).one_or_none()


async def lock_room(session: AsyncWriteSession, actor: Actor, room_id: UUID) -> Room | None:
    """Who is in it, and what it is, changes by nobody else until this ends."""
    statement = select(Room).where(Room.id == room_id, _visible(actor)).with_for_update()
    statement = statement.execution_options(populate_existing=True)
    return (await session.scalars(statement)).one_or_none()


async def lock_any_room(session: AsyncWriteSession, room_id: UUID) -> Room | None:
    """For a job, where nobody is looking."""
    return await session.get(Room, room_id, with_for_update=True, populate_existing=True)


async def list_rooms(
    session: AsyncReadSession,
    actor: Actor,
    page: PageRequest,
    *,
    only: UUID | None,
    mine: bool,
    search: str | None,
) -> tuple[Sequence[Room], str | None]:
    statement = select(Room).where(Room.deleted_at.is_(None))
    statement = statement.where(_joined(actor, only) if mine else _visible(actor, only))
    if search:
        wanted = search.casefold()
        columns = (Room.name, Room.title_key)
        statement = statement.where(or_(*(c.contains(wanted, autoescape=True) for c in columns)))
    return await paginate(session, statement, _NEWEST, page)


async def nearest_names(
    session: AsyncReadSession, actor: Actor, wanted: str, limit: int = 3
) -> list[str]:
    """What somebody may have meant who wrote `wanted`, among the rooms that they see."""
    names = select(Room.name).where(Room.deleted_at.is_(None), _visible(actor))
    return await nearest(session, names, Room.name, wanted, limit)


async def count_created(session: AsyncWriteSession, user_id: UUID) -> int:
    """The rooms that a user and their agents have made. The user is locked: of two that are made
    at once, the second counts the first."""
    await session.execute(select(User.id).where(User.id == user_id).with_for_update())
    statement = (
        select(func.count())
        .select_from(Room)
        .join(Agent, Agent.id == Room.created_by)
        .where(Agent.owner_id == user_id, Room.deleted_at.is_(None))
    )
    return await session.scalar(statement) or 0
