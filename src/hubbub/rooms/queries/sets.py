"""The set statements that sending to rooms and reading them takes, as plain selects."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, case, func, or_, select

from hubbub.agents.models import Agent
from hubbub.agents.queries import spoken_for
from hubbub.agents.types import Actor
from hubbub.rooms.models import Room, RoomMember
from hubbub.rooms.types import History, MemberRole, Visibility

type Addressed = Select[UUID, str, bool]
"""(id, name, deleted): `deleted` takes no more messages."""


def _addressed() -> Addressed:
    return select(Room.id, Room.name, Room.deleted_at.is_not(None).label("deleted"))


def rooms_by_name(names: Sequence[str]) -> Addressed:
    """Names are looked for as they are stored: in lower case. Whether the sender is in such a room,
    and may know of it, `members_of` tells."""
    return _addressed().where(Room.name.in_(names))


def rooms_by_id(ids: Sequence[UUID]) -> Addressed:
    return _addressed().where(Room.id.in_(ids))


def members_of(room_ids: Sequence[UUID]) -> Select[UUID, UUID, MemberRole, bool]:
    """(room_id, participant_id, role, muted) of all who are in these rooms."""
    return (
        select(RoomMember.room_id, RoomMember.participant_id, RoomMember.role, RoomMember.muted)
        .join(Agent, Agent.id == RoomMember.participant_id)
        .where(RoomMember.room_id.in_(room_ids), Agent.deleted_at.is_(None))
    )


def readable_from(actor: Actor, only: UUID | None = None) -> Select[UUID, Any]:
    """(room_id, from_seq): the rooms whose messages the caller may read, and the first number in
    each. Present members do: in a public room, and where the room says so, from its beginning; else
    from their joining on. Through several participants one sees what any of them sees."""
    everything = or_(Room.visibility == Visibility.PUBLIC, Room.history == History.ALL)
    return (
        select(
            RoomMember.room_id,
            func.min(case((everything, 1), else_=RoomMember.joined_seq + 1)).label("from_seq"),
        )
        .join(Room, Room.id == RoomMember.room_id)
        .where(RoomMember.participant_id.in_(spoken_for(actor, only)))
        .group_by(RoomMember.room_id)
    )
