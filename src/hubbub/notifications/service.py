from typing import ClassVar
from uuid import UUID

from sqlalchemy import update

from hubbub.kit.db.dialect import db_now, insert_or_ignore
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.ids import new_id
from hubbub.kit.outbox import Event, emit
from hubbub.notifications.models import Notification
from hubbub.notifications.schemas import MarkRead
from hubbub.users.queries import lock_user
from hubbub.users.types import Viewer


class Notified(Event):
    """Wakes whoever shows this person's notifications."""

    topic: ClassVar[str] = "notifications.notified"
    user_id: UUID
    notification_id: UUID


async def notify(
    session: AsyncWriteSession,
    user_id: UUID,
    kind: str,
    title: str,
    body: str | None = None,
    *,
    once: UUID | None = None,
) -> None:
    """Leaves a notification in the transaction of what it is about.

    `kind` is `domain.what`; title and body are plain text, shown escaped. A job, which may run
    twice, gives its own id as `once`. Who was deleted meanwhile is told nothing.
    """
    if await lock_user(session, user_id) is None:
        return
    notification_id = once or new_id()
    row = {"id": notification_id, "user_id": user_id, "kind": kind, "title": title, "body": body}
    statement = insert_or_ignore(session, Notification, unique=["id"]).values(row)
    if (await session.execute(statement.returning(Notification.id))).first() is not None:
        emit(session, Notified(user_id=user_id, notification_id=notification_id))


async def mark_read(session: AsyncWriteSession, viewer: Viewer, mark: MarkRead) -> None:
    statement = (
        update(Notification)
        .where(Notification.user_id == viewer.user_id, Notification.read_at.is_(None))
        .values(read_at=db_now())
    )
    if mark.ids is not None:
        statement = statement.where(Notification.id.in_(mark.ids))
    await session.execute(statement)
