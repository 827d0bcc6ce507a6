"""Which notifications go into which mail.

The first few of a kind are mailed one by one, as they come. What comes beyond that waits, and goes
out in one mail when the first of it has waited for a whole window. A mail is named by the job that
sends it: that job, tried again, finds what it had taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, text, update

from hubbub.kit.db.dialect import db_now
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.notifications.models import WAITS_FOR_MAIL, Notification
from hubbub.notifications.types import MailState
from hubbub.settings import NotificationSettings
from hubbub.users.models import User

MOST_NAMED = 50
"""How many notifications one mail tells apart; of the others it says that they are there."""
_PLAINLY = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Taken:
    """What is to be mailed, and to whom."""

    to: str
    name: str
    count: int
    notices: Sequence[Notification]
    """The newest, the oldest of them first."""


async def take_one(
    session: AsyncWriteSession,
    settings: NotificationSettings,
    notification_id: UUID,
    mail_id: UUID,
) -> Taken | None:
    """None where it is not to be mailed, or not alone."""
    user_id = await session.scalar(
        select(Notification.user_id).where(Notification.id == notification_id)
    )
    user = await _lock(session, user_id)
    if user is None:
        return None
    notice = await session.get_one(Notification, notification_id, populate_existing=True)
    if notice.mail_id is None and notice.mail is MailState.WAITING:
        if notice.read_at is not None:
            notice.mail = None
        elif not await _is_flooded(session, settings, notice):
            notice.mail_id, notice.mail_at = mail_id, db_now()
            await session.flush()
    return await _taken(session, user, mail_id)


async def take_waiting(
    session: AsyncWriteSession, settings: NotificationSettings, user_id: UUID, mail_id: UUID
) -> Taken | None:
    user = await _lock(session, user_id)
    if user is None:
        return None
    waiting = Notification.user_id == user_id, text(WAITS_FOR_MAIL)
    oldest = select(func.min(Notification.created_at)).where(
        *waiting, Notification.read_at.is_(None)
    )
    window = settings.window_minutes * 60.0
    is_due = await session.scalar(select(oldest.scalar_subquery() <= db_now(-window)))
    if is_due:
        # locked in one order, for the person may be marking some of them as read just now
        rows = select(Notification.id).where(*waiting).order_by(Notification.id).with_for_update()
        await session.execute(rows)
        await session.execute(
            update(Notification)
            .where(*waiting, Notification.read_at.is_not(None))
            .values(mail=None)
            .execution_options(**_PLAINLY)
        )
        await session.execute(
            update(Notification)
            .where(*waiting)
            .values(mail_id=mail_id, mail_at=db_now())
            .execution_options(**_PLAINLY)
        )
    return await _taken(session, user, mail_id)


async def close(session: AsyncWriteSession, mail_id: UUID, state: MailState) -> None:
    await session.execute(
        update(Notification)
        .where(Notification.mail_id == mail_id, Notification.mail == MailState.WAITING)
        .values(mail=state)
        .execution_options(**_PLAINLY)
    )


async def _lock(session: AsyncWriteSession, user_id: UUID | None) -> User | None:
    """One mail of a person is put together at a time, or many at once would all be the first."""
    if user_id is None:
        return None
    user = await session.get(
        User, user_id, with_for_update={"key_share": True}, populate_existing=True
    )
    return user if user is not None and user.is_active else None


async def _is_flooded(
    session: AsyncWriteSession, settings: NotificationSettings, notice: Notification
) -> bool:
    window = timedelta(minutes=settings.window_minutes).total_seconds()
    mailed = await session.scalar(
        select(func.count())
        .select_from(Notification)
        .where(
            Notification.user_id == notice.user_id,
            Notification.kind == notice.kind,
            Notification.mail_at > db_now(-window),
        )
    )
    return (mailed or 0) >= settings.mails_per_kind


async def _taken(session: AsyncWriteSession, user: User, mail_id: UUID) -> Taken | None:
    ours = Notification.mail_id == mail_id, Notification.mail == MailState.WAITING
    count = await session.scalar(select(func.count()).select_from(Notification).where(*ours))
    if not count:
        return None
    newest = Notification.created_at.desc(), Notification.id.desc()
    statement = select(Notification).where(*ours).order_by(*newest).limit(MOST_NAMED)
    rows = (await session.scalars(statement.execution_options(populate_existing=True))).all()
    return Taken(user.email, user.full_name, count, list(reversed(rows)))
