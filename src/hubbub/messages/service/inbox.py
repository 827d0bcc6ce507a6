"""Reading an inbox changes nothing; marking as read and acknowledging are acts of their own."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Update, case, func, select, update

from hubbub.agents.errors import NotYourParticipant
from hubbub.agents.types import Actor
from hubbub.files.schemas import shown_files
from hubbub.kit.db.counter import Counter
from hubbub.kit.db.dialect import db_now
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.messages import queries
from hubbub.messages.errors import CursorReset
from hubbub.messages.models import Delivery, Message
from hubbub.messages.schemas import (
    InboxEntry,
    InboxMessage,
    InboxPage,
    Mark,
    MessageHeaders,
    parse_cursor,
)
from hubbub.messages.service.changes import CHANGED, tell_changes
from hubbub.messages.types import OPEN, TOMBSTONES, State


async def check_reader(session: AsyncReadSession, actor: Actor, inbox_id: UUID) -> None:
    """Who may see into an inbox: the agent itself, and a user who owns it."""
    if inbox_id != actor.participant_id and not await queries.owns(session, actor, inbox_id):
        raise NotYourParticipant


async def position(
    session: AsyncReadSession, epoch: str, inbox_id: UUID, cursor: str | None
) -> tuple[Counter, int]:
    """The numbers of the inbox, and where the cursor stands in it."""
    counter = await queries.counter_of(session, inbox_id)
    return counter, place_of(counter, epoch, cursor)


def place_of(counter: Counter, epoch: str, cursor: str | None) -> int:
    """The number after which to go on; a cursor of another history is refused aloud."""
    if cursor is None:
        return counter.first_seq - 1
    named, seq = parse_cursor(cursor)
    reason = None
    if named is not None and named != epoch:
        reason = "another_epoch"
    elif seq > counter.last_seq:
        reason = "after_the_last"
    elif seq < counter.first_seq - 1:
        reason = "before_the_first"
    if reason is not None:
        raise CursorReset(
            reset={
                "epoch": epoch,
                "first_seq": counter.first_seq,
                "last_seq": counter.last_seq,
                "reason": reason,
            }
        )
    return seq


async def read_page(
    session: AsyncReadSession,
    epoch: str,
    inbox_id: UUID,
    *,
    cursor: str | None,
    limit: int,
    state: State | None,
    bodies: bool,
) -> InboxPage:
    counter, after = await position(session, epoch, inbox_id, cursor)
    rows = await queries.read_inbox(session, inbox_id, after, limit, state)
    last = rows[-1][0].seq if rows else after
    return InboxPage(
        epoch=epoch,
        first_seq=counter.first_seq,
        last_seq=counter.last_seq,
        items=[_entry(row, bodies=bodies) for row in rows],
        next_cursor=f"{epoch}:{last}",
    )


def _entry(row: Row[Delivery, Message, str], *, bodies: bool) -> InboxEntry:
    delivery, message, from_name = row
    shown: InboxMessage | MessageHeaders | None = None
    if delivery.state not in TOMBSTONES:
        shown = shown_message(message, from_name) if bodies else _headers(message, from_name)
    return InboxEntry(
        seq=delivery.seq,
        state=delivery.state,
        read_at=delivery.read_at,
        acked_at=delivery.acked_at,
        message=shown,
    )


def _headers(message: Message, from_name: str) -> MessageHeaders:
    return MessageHeaders(
        id=message.id,
        from_agent_id=message.sender_id,
        from_name=from_name,
        thread_id=message.thread_id,
        room_id=message.room_id,
        priority=message.priority,
        created_at=message.created_at,
        content_type=message.content_type,
        size=len(message.content.encode()),
    )


def shown_message(message: Message, from_name: str) -> InboxMessage:
    return InboxMessage(
        **dict(_headers(message, from_name)),
        content=message.content,
        files=shown_files(message.files or ()),
        reply_to=message.reply_to,
        metadata=message.meta,
        expires_at=message.expires_at,
        ack_by=message.ack_by,
    )


async def lock_inboxes(session: AsyncWriteSession, ids: Iterable[UUID]) -> None:
    """Before the deliveries, as the writer and the dispatcher lock: nobody waits in a circle."""
    locked = select(Counter.id).where(Counter.id.in_(set(ids))).order_by(Counter.id)
    await session.execute(locked.with_for_update())


async def mark_read(session: AsyncWriteSession, inbox_id: UUID, mark: Mark) -> int:
    """Whoever reads has it: what was queued is delivered by that."""
    await lock_inboxes(session, [inbox_id])
    now = db_now()
    return await _changed(
        session,
        update(Delivery)
        .where(*_marked(inbox_id, mark), Delivery.read_at.is_(None))
        .where(Delivery.state.not_in(TOMBSTONES))
        .values(
            read_at=now,
            delivered_at=func.coalesce(Delivery.delivered_at, now),
            state=case((Delivery.state == State.QUEUED, State.DELIVERED), else_=Delivery.state),
        ),
    )


async def ack(session: AsyncWriteSession, inbox_id: UUID, mark: Mark) -> int:
    """Ends all pushing. Acknowledged once, it stays so."""
    await lock_inboxes(session, [inbox_id])
    now = db_now()
    acked: dict[Any, Any] = {
        "state": State.ACKED,
        "acked_at": now,
        "delivered_at": func.coalesce(Delivery.delivered_at, now),
    }
    statement = update(Delivery).where(*_marked(inbox_id, mark)).values(acked)
    was_open = await _changed(session, statement.where(Delivery.state.in_(OPEN)))
    had_failed = await _changed(session, statement.where(Delivery.state == State.FAILED))
    await close(session, inbox_id, was_open)
    return was_open + had_failed


async def close(session: AsyncWriteSession, inbox_id: UUID, count: int) -> None:
    """That many deliveries of an inbox are open no more."""
    if count:
        await session.execute(
            update(Counter).where(Counter.id == inbox_id).values(open=Counter.open - count)
        )


def _marked(inbox_id: UUID, mark: Mark) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Delivery.recipient_id == inbox_id]
    if mark.up_to is not None:
        conditions.append(Delivery.seq <= mark.up_to)
    if mark.ids is not None:
        conditions.append(Delivery.message_id.in_(mark.ids))
    return conditions


async def _changed(session: AsyncWriteSession, statement: Update) -> int:
    statement = statement.execution_options(synchronize_session=False)
    rows = (await session.execute(statement.returning(*CHANGED))).all()
    tell_changes(session, rows)
    return len(rows)
