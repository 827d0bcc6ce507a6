"""Invitations. One from somebody whom the invited has blocked is never seen by them, and becomes
visible when the block is lifted."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Row, exists, select
from sqlalchemy.orm import aliased

from hubbub.agents.models import Agent, Block
from hubbub.agents.queries import blocked_pairs
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.rooms.models import Room, RoomInvite


def is_heard() -> ColumnElement[bool]:
    return ~exists().where(
        Block.agent_id == RoomInvite.participant_id, Block.blocked_id == RoomInvite.invited_by
    )


async def open_invite(
    session: AsyncReadSession, room_id: UUID, participant_id: UUID
) -> RoomInvite | None:
    """That the participant sees; whoever acts for it does."""
    statement = select(RoomInvite).where(
        RoomInvite.room_id == room_id, RoomInvite.participant_id == participant_id, is_heard()
    )
    return (await session.scalars(statement)).one_or_none()


async def open_invites(
    session: AsyncReadSession, room_id: UUID, participant_ids: Sequence[UUID]
) -> set[UUID]:
    """Which of these are invited and know it."""
    statement = select(RoomInvite.participant_id).where(
        RoomInvite.room_id == room_id, RoomInvite.participant_id.in_(participant_ids), is_heard()
    )
    return set(await session.scalars(statement))


async def invitations_of(
    session: AsyncReadSession, participant_id: UUID, room_ids: Sequence[UUID]
) -> set[UUID]:
    """To which of these rooms a participant is invited, as it sees it."""
    statement = select(RoomInvite.room_id).where(
        RoomInvite.participant_id == participant_id, RoomInvite.room_id.in_(room_ids), is_heard()
    )
    return set(await session.scalars(statement))


async def blocked_by(
    session: AsyncReadSession, participant_ids: Sequence[UUID], inviter_id: UUID
) -> set[UUID]:
    """Which of these have blocked the inviter."""
    rows = await session.execute(blocked_pairs(participant_ids, [inviter_id]))
    return {row.recipient_id for row in rows}


async def invite_for_notice(
    session: AsyncReadSession, room_id: UUID, participant_id: UUID
) -> Row[str, str, str, UUID | None] | None:
    """The names of the room, of the invited and of the inviter, and whom to tell: for telling
    them, where nobody is looking."""
    inviter = aliased(Agent)
    statement = (
        select(Room.name, Agent.handle, inviter.handle, Agent.owner_id)
        .select_from(RoomInvite)
        .join(Room, Room.id == RoomInvite.room_id)
        .join(Agent, Agent.id == RoomInvite.participant_id)
        .join(inviter, inviter.id == RoomInvite.invited_by)
        .where(
            RoomInvite.room_id == room_id,
            RoomInvite.participant_id == participant_id,
            Room.deleted_at.is_(None),
            Agent.deleted_at.is_(None),
            is_heard(),
        )
    )
    return (await session.execute(statement)).one_or_none()
