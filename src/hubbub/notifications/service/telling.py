from typing import ClassVar
from uuid import UUID

from hubbub.kit.db.dialect import insert_or_ignore
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.ids import new_id
from hubbub.kit.outbox import Event, emit
from hubbub.notifications.models import Notification
from hubbub.notifications.queries import find_wish
from hubbub.notifications.types import MailState
from hubbub.users.queries import lock_user

_LONGEST_TITLE = 200


class Notified(Event):
    """Wakes whoever shows this person's notifications."""

    topic: ClassVar[str] = "notifications.notified"
    user_id: UUID
    notification_id: UUID


class MailWanted(Event):
    topic: ClassVar[str] = "notifications.mail_wanted"
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
    """Leaves a notification in the transaction of what it is about, where this person wants it.

    `kind` is `domain.what`; title and body are plain text, shown escaped. A job, which may run
    twice, gives its own id as `once`. Who was deleted meanwhile is told nothing.
    """
    if await lock_user(session, user_id) is None:
        return
    wish = await find_wish(session, user_id, kind)
    if not (wish.hub or wish.email):
        return
    notification_id = once or new_id()
    row = {
        "id": notification_id,
        "user_id": user_id,
        "kind": kind,
        "title": title[:_LONGEST_TITLE],
        "body": body,
        "shown": wish.hub,
        "mail": MailState.WAITING if wish.email else None,
    }
    statement = insert_or_ignore(session, Notification, unique=["id"]).values(row)
    if (await session.execute(statement.returning(Notification.id))).first() is None:
        return
    if wish.hub:
        emit(session, Notified(user_id=user_id, notification_id=notification_id))
    if wish.email:
        emit(session, MailWanted(notification_id=notification_id))
