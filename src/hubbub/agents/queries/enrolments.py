"""Enrolments, which only their owner sees."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, select

from hubbub.agents.models import Enrolment
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.pagination import Order, PageRequest, paginate
from hubbub.users.models import User
from hubbub.users.types import Viewer

_NEWEST = Order("agents.enrolments", Enrolment.created_at, Enrolment.id, descending=True)


async def enrolment_in_time(
    session: AsyncReadSession, enrolment_id: UUID, now: datetime
) -> Enrolment | None:
    """Also one that is used up: whoever used it may ask again for the answer that got lost."""
    statement = (
        select(Enrolment)
        .join(User, and_(User.id == Enrolment.owner_id, User.is_active))
        .where(Enrolment.id == enrolment_id, Enrolment.expires_at > now)
    )
    return (await session.scalars(statement)).one_or_none()


async def lock_enrolment(
    session: AsyncWriteSession, viewer: Viewer, enrolment_id: UUID
) -> Enrolment | None:
    statement = select(Enrolment).where(
        Enrolment.id == enrolment_id, Enrolment.owner_id == viewer.user_id
    )
    return (await session.scalars(statement.with_for_update())).one_or_none()


async def list_enrolments(
    session: AsyncReadSession, viewer: Viewer, now: datetime, page: PageRequest
) -> tuple[Sequence[Enrolment], str | None]:
    statement = select(Enrolment).where(
        Enrolment.owner_id == viewer.user_id, Enrolment.uses_left > 0, Enrolment.expires_at > now
    )
    return await paginate(session, statement, _NEWEST, page)
