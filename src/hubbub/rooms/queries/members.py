"""Who is in a room. That the room may be seen, `find_room` or `lock_room` has said."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, case, exists, select
from sqlalchemy.orm import joinedload

from hubbub.agents.models import Agent
from hubbub.agents.queries import spoken_for
from hubbub.agents.types import Actor
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.pagination import Order, PageRequest, paginate
from hubbub.rooms.models import RoomMember
from hubbub.rooms.types import MemberRole

_LONGEST = Order("rooms.members", RoomMember.joined_at, RoomMember.participant_id)
_RANK = case({role: rank for rank, role in enumerate(MemberRole)}, value=RoomMember.role)


def _present(room_id: UUID) -> Select[RoomMember]:
    """Without agents that are deleted: a job takes them out a moment later."""
    return (
        select(RoomMember)
        .join(Agent, Agent.id == RoomMember.participant_id)
        .where(RoomMember.room_id == room_id, Agent.deleted_at.is_(None))
    )


async def membership(
    session: AsyncReadSession, actor: Actor, room_id: UUID, only: UUID | None = None
) -> RoomMember | None:
    """Through which of their participants the caller is in the room: the one with the most rights
    there, or `only` this one."""
    statement = (
        select(RoomMember)
        .where(
            RoomMember.room_id == room_id, RoomMember.participant_id.in_(spoken_for(actor, only))
        )
        .order_by(_RANK, RoomMember.joined_at, RoomMember.participant_id)
        .limit(1)
        # what was read before may have waited for the lock that we hold now
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).one_or_none()


async def lock_member(
    session: AsyncWriteSession, room_id: UUID, participant_id: UUID
) -> RoomMember | None:
    statement = select(RoomMember).where(
        RoomMember.room_id == room_id, RoomMember.participant_id == participant_id
    )
    statement = statement.with_for_update().execution_options(populate_existing=True)
    return (await session.scalars(statement)).one_or_none()


async def memberships_of(
    session: AsyncReadSession, participant_id: UUID, room_ids: Sequence[UUID]
) -> dict[UUID, RoomMember]:
    """Of one participant in many rooms."""
    statement = select(RoomMember).where(
        RoomMember.participant_id == participant_id, RoomMember.room_id.in_(room_ids)
    )
    return {member.room_id: member for member in await session.scalars(statement)}


async def roles_of(
    session: AsyncReadSession, room_id: UUID, participant_ids: Sequence[UUID]
) -> dict[UUID, MemberRole]:
    """Of those of these participants that are in the room."""
    statement = select(RoomMember.participant_id, RoomMember.role).where(
        RoomMember.room_id == room_id, RoomMember.participant_id.in_(participant_ids)
    )
    return {row.participant_id: row.role for row in await session.execute(statement)}


async def list_members(
    session: AsyncReadSession, room_id: UUID, page: PageRequest
) -> tuple[Sequence[RoomMember], str | None]:
    """The longest-standing first."""
    statement = _present(room_id).options(joinedload(RoomMember.participant))
    return await paginate(session, statement, _LONGEST, page)


async def has_owner(
    session: AsyncReadSession, room_id: UUID, *, other_than: UUID | None = None
) -> bool:
    owners = _present(room_id).where(RoomMember.role == MemberRole.OWNER)
    if other_than is not None:
        owners = owners.where(RoomMember.participant_id != other_than)
    statement = select(exists(owners.with_only_columns(RoomMember.participant_id)))
    return bool(await session.scalar(statement))


async def successor(session: AsyncReadSession, room_id: UUID) -> RoomMember | None:
    """The longest-standing member; an observer only where there is no other."""
    statement = (
        _present(room_id)
        .order_by(_RANK, RoomMember.joined_at, RoomMember.participant_id)
        .limit(1)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).one_or_none()


async def rooms_left_behind(session: AsyncReadSession, participant_id: UUID) -> Sequence[UUID]:
    """The rooms of a participant that is deleted."""
    statement = select(RoomMember.room_id).where(RoomMember.participant_id == participant_id)
    return (await session.scalars(statement.order_by(RoomMember.room_id))).all()
