"""What of rooms may be read, as a plain select for those who join it to what was said."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, case, func, or_, select

from hubbub.agents.queries import spoken_for
from hubbub.agents.types import Actor
from hubbub.rooms.models import Room, RoomMember
from hubbub.rooms.types import History, Visibility


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
