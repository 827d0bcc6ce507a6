"""Who may still read what they follow, asked of many at once."""

from collections.abc import Awaitable, Callable, Collection
from uuid import UUID

from sqlalchemy import select, tuple_

from hubbub.agents.models import Agent
from hubbub.agents.types import Actor
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.rooms.models import RoomMember

type Asked = Collection[tuple[Actor, UUID]]
type Pairs = set[tuple[UUID, UUID]]
"""(the caller's participant, what is followed)"""
type Readers = Callable[[AsyncReadSession, Asked], Awaitable[Pairs]]
"""Those of the pairs in which the caller may read."""


async def readers_of_inboxes(session: AsyncReadSession, asked: Asked) -> Pairs:
    """Agents read their own inbox, users those of all that is theirs."""
    own = {(actor.participant_id, inbox_id) for actor, inbox_id in asked}
    own = {(reader, inbox_id) for reader, inbox_id in own if reader == inbox_id}
    users = {(actor.owner_id, inbox_id): actor for actor, inbox_id in asked if actor.is_user}
    if not users:
        return own
    statement = select(Agent.owner_id, Agent.id)
    statement = statement.where(tuple_(Agent.owner_id, Agent.id).in_(list(users)))
    rows = await session.execute(statement)
    return own | {
        (users[owner_id, inbox_id].participant_id, inbox_id) for owner_id, inbox_id in rows
    }


async def readers_of_rooms(session: AsyncReadSession, asked: Asked) -> Pairs:
    """An agent is in the room itself, a user through whatever is theirs."""
    agents = {(actor.participant_id, room_id) for actor, room_id in asked if not actor.is_user}
    users = {(actor.owner_id, room_id): actor for actor, room_id in asked if actor.is_user}
    found: Pairs = set()
    if agents:
        member = tuple_(RoomMember.participant_id, RoomMember.room_id)
        present = select(RoomMember.participant_id, RoomMember.room_id)
        present = present.join(Agent, Agent.id == RoomMember.participant_id)
        rows = await session.execute(
            present.where(member.in_(list(agents)), Agent.deleted_at.is_(None))
        )
        found |= {(participant_id, room_id) for participant_id, room_id in rows}
    if users:
        member = tuple_(Agent.owner_id, RoomMember.room_id)
        through = select(Agent.owner_id, RoomMember.room_id).distinct()
        through = through.join(Agent, Agent.id == RoomMember.participant_id)
        rows = await session.execute(
            through.where(member.in_(list(users)), Agent.deleted_at.is_(None))
        )
        found |= {(users[owner_id, room_id].participant_id, room_id) for owner_id, room_id in rows}
    return found
