from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select, text

from hubbub.kit.db.dialect import db_now
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.kit.pagination import Order, PageRequest, paginate
from hubbub.notifications.models import WAITS_FOR_MAIL, Notification, NotificationPreference
from hubbub.notifications.types import Wish, default_wish
from hubbub.users.models import User
from hubbub.users.types import Viewer

_OVERLAP = timedelta(seconds=10)
_NEWEST_UNREAD = 500
_NEWEST = Order("notifications", Notification.created_at, Notification.id, descending=True)


def listed_for(viewer: Viewer) -> ColumnElement[bool]:
    """Without what is there for the mail alone."""
    return and_(Notification.user_id == viewer.user_id, Notification.shown)


async def find_notification(
    session: AsyncReadSession, viewer: Viewer, notification_id: UUID
) -> Notification | None:
    statement = select(Notification).where(listed_for(viewer), Notification.id == notification_id)
    return (await session.scalars(statement)).one_or_none()


async def find_wish(session: AsyncReadSession, user_id: UUID, kind: str) -> Wish:
    """For whoever is about to tell this user something."""
    chosen = await session.get(NotificationPreference, (user_id, kind), populate_existing=True)
    return Wish(chosen.hub, chosen.email) if chosen is not None else default_wish(kind)


async def chosen_wishes(session: AsyncReadSession, viewer: Viewer) -> dict[str, Wish]:
    statement = select(NotificationPreference).where(
        NotificationPreference.user_id == viewer.user_id
    )
    return {each.kind: Wish(each.hub, each.email) for each in await session.scalars(statement)}


async def users_to_mail(session: AsyncReadSession, waiting: float, limit: int) -> Sequence[UUID]:
    """Those who have something that has waited for so many seconds to be mailed with more. What
    waits for somebody who may not sign in, waits on."""
    statement = (
        select(Notification.user_id)
        .join(User, User.id == Notification.user_id)
        .where(
            User.is_active,
            text(WAITS_FOR_MAIL),
            Notification.created_at <= db_now(-waiting),
            Notification.read_at.is_(None),
        )
        .distinct()
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def list_notifications(
    session: AsyncReadSession, viewer: Viewer, page: PageRequest, *, unread_only: bool
) -> tuple[Sequence[Notification], str | None]:
    statement = select(Notification).where(listed_for(viewer))
    if unread_only:
        statement = statement.where(Notification.read_at.is_(None))
    return await paginate(session, statement, _NEWEST, page)


async def count_unread(session: AsyncReadSession, viewer: Viewer) -> int:
    statement = (
        select(func.count())
        .select_from(Notification)
        .where(listed_for(viewer), Notification.read_at.is_(None))
    )
    return await session.scalar(statement) or 0


async def unread(
    session: AsyncReadSession, viewer: Viewer, after: UUID | None
) -> Sequence[Notification]:
    """The newest that are not read, the oldest of them first. `after` is one of the viewer's: what
    may have been committed before it is left out."""
    statement = select(Notification).where(listed_for(viewer), Notification.read_at.is_(None))
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
        .where(
            Notification.user_id.in_(user_ids),
            Notification.shown,
            Notification.read_at.is_(None),
        )
        .group_by(Notification.user_id)
    )
    return {row[0]: (row[1], row[2]) for row in await session.execute(statement)}
