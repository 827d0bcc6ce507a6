from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.kit.pagination import Order, PageRequest, paginate
from hubbub.notifications.models import Notification
from hubbub.users.types import Viewer

_OVERLAP = timedelta(seconds=10)
_NEWEST_UNREAD = 500
_NEWEST = Order("notifications", Notification.created_at, Notification.id, descending=True)


async def list_notifications(
    session: AsyncReadSession, viewer: Viewer, page: PageRequest, *, unread_only: bool
) -> tuple[Sequence[Notification], str | None]:
    statement = select(Notification).where(Notification.user_id == viewer.user_id)
    if unread_only:
        statement = statement.where(Notification.read_at.is_(None))
    return await paginate(session, statement, _NEWEST, page)


async def count_unread(session: AsyncReadSession, viewer: Viewer) -> int:
    statement = (
        select(func.count())
        .select_from(Notification)
        .where(Notification.user_id == viewer.user_id, Notification.read_at.is_(None))
    )
    return await session.scalar(statement) or 0


async def unread(
    session: AsyncReadSession, viewer: Viewer, after: UUID | None
) -> Sequence[Notification]:
    """The newest that are not read, the oldest of them first. `after` is one of the viewer's: what
    may have been committed before it is left out."""
    statement = select(Notification).where(
        Notification.user_id == viewer.user_id, Notification.read_at.is_(None)
    )
    if after is not None:
        known = await session.scalar(
            select(Notification.created_at).where(
                Notification.id == after, Notification.user_id == viewer.user_id
            )
        )
        if known is not None:
            # times are given before the commit: a later one may bear an earlier time
            statement = statement.where(
                Notification.created_at >= known - _OVERLAP, Notification.id != after
            )
    newest = Notification.created_at.desc(), Notification.id.desc()
    rows = (await session.scalars(statement.order_by(*newest).limit(_NEWEST_UNREAD))).all()
    return list(reversed(rows))


async def newest_of(
    session: AsyncReadSession, user_ids: Sequence[UUID]
) -> Mapping[UUID, tuple[int, datetime]]:
    """How many unread notifications these users have, and when the last one came."""
    statement = (
        select(Notification.user_id, func.count(), func.max(Notification.created_at))
        .where(Notification.user_id.in_(user_ids), Notification.read_at.is_(None))
        .group_by(Notification.user_id)
    )
    return {row[0]: (row[1], row[2]) for row in await session.execute(statement)}
