from collections.abc import Sequence

from sqlalchemy import func, select

from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.kit.pagination import Order, PageRequest, paginate
from hubbub.notifications.models import Notification
from hubbub.users.types import Viewer

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
