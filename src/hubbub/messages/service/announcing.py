"""Saying something because of what was done: the transaction leaves it behind, and it is sent like
any other message once that has committed, once however often that is tried."""

import structlog
from sqlalchemy import delete, select

from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.errors import AppError, Unavailable
from hubbub.kit.resources import Resources
from hubbub.messages.models import Announcement
from hubbub.messages.schemas import MessageSend
from hubbub.messages.service.send import draft_of
from hubbub.messages.writer.queue import Writer

log = structlog.get_logger()

SIGNAL = "announcements"
_SOME = 100


def announce(session: AsyncWriteSession, announcement: Announcement) -> None:
    session.add(announcement)
    session.signal(SIGNAL)


async def say(resources: Resources, writer: Writer) -> None:
    """All that waits. What can't be said, because the sender has left the room or isn't heard by
    the recipient, is dropped: whoever wants to know finds it where it happened."""
    while True:
        async with resources.database.read() as session:
            oldest = select(Announcement).order_by(Announcement.id).limit(_SOME)
            waiting = (await session.scalars(oldest)).all()
        if not waiting:
            return
        for each in waiting:
            try:
                await _send(resources, writer, each)
            except Unavailable:
                return
            except AppError as error:
                log.info("announcement.refused", code=error.code, announcement_id=str(each.id))
            except Exception:
                # one that can't be stored must not keep those behind it for ever
                log.exception("announcement.broken", announcement_id=str(each.id))
        async with resources.database.write() as session:
            said = [each.id for each in waiting]
            await session.execute(delete(Announcement).where(Announcement.id.in_(said)))


async def _send(resources: Resources, writer: Writer, announcement: Announcement) -> None:
    body = MessageSend(
        to=[announcement.addressed], content=announcement.content, metadata=announcement.meta
    )
    settings, now = resources.settings.messages, resources.clock.now()
    key = str(announcement.id)
    outcome = await writer.send(draft_of(announcement.sender_id, body, key, now, settings))
    if isinstance(outcome, AppError):
        raise outcome
