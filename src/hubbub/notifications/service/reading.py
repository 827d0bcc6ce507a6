from sqlalchemy import literal, select, tuple_, update

from hubbub.kit.db.dialect import db_now
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.notifications import queries
from hubbub.notifications.errors import NotificationNotFound
from hubbub.notifications.models import Notification
from hubbub.notifications.schemas import MarkRead
from hubbub.users.types import Viewer


async def mark_read(session: AsyncWriteSession, viewer: Viewer, mark: MarkRead) -> None:
    # locked in one order, for a mail may be taking some of them along just now
    statement = (
        select(Notification.id)
        .where(queries.listed_for(viewer), Notification.read_at.is_(None))
        .order_by(Notification.id)
        .with_for_update()
    )
    if mark.ids is not None:
        statement = statement.where(Notification.id.in_(mark.ids))
    elif mark.up_to is not None:
        last = await queries.find_notification(session, viewer, mark.up_to)
        if last is None:
            raise NotificationNotFound
        place = tuple_(
            literal(last.created_at, Notification.created_at.type),
            literal(last.id, Notification.id.type),
        )
        statement = statement.where(tuple_(Notification.created_at, Notification.id) <= place)
    await session.execute(
        update(Notification)
        .where(Notification.id.in_(statement))
        .values(read_at=db_now())
        .execution_options(synchronize_session=False)
    )
