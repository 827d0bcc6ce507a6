"""Taking back what was sent."""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, select, update

from hubbub.activity import service as activity
from hubbub.agents.errors import NotYourParticipant
from hubbub.agents.types import Actor
from hubbub.kit.db.counter import Counter
from hubbub.kit.db.dialect import db_now
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.pagination import PageOf
from hubbub.messages import queries
from hubbub.messages.errors import MessageNotFound, NotWithdrawable
from hubbub.messages.models import Delivery, FanOut, Message
from hubbub.messages.schemas import DeliveryRead
from hubbub.messages.service.changes import CHANGED, MOST_TOLD, Change, tell_changes
from hubbub.messages.service.deliveries import FIRST_PAGE, list_of_message
from hubbub.messages.service.inbox import lock_inboxes
from hubbub.messages.types import State

_MANY = 500


async def withdraw(
    session: AsyncWriteSession, actor: Actor, message_id: UUID
) -> PageOf[DeliveryRead]:
    """Takes back what nobody has yet, and returns how the deliveries stand then."""
    visible = await queries.find_message(session, actor, message_id)
    if visible is None:
        raise MessageNotFound
    message = visible[0]
    if message.sender_id != actor.participant_id and not await queries.owns(
        session, actor, message.sender_id
    ):
        raise NotYourParticipant
    withdrawn = await _called_off(session, message_id)
    taken_back = await _taken_back(session, message_id)
    tell_changes(session, taken_back[:MOST_TOLD])
    withdrawn += len(taken_back)
    # in a room where nobody hears it, it can still be read
    unheard = message.withdrawn_at is None and not await queries.is_delivered(session, message_id)
    if not withdrawn and unheard and message.room_id is not None:
        withdrawn = 1
    if not withdrawn:
        raise NotWithdrawable
    await session.execute(
        update(Message).where(Message.id == message_id).values(withdrawn_at=db_now())
    )
    activity.record(
        session,
        "message.withdrawn",
        actor_id=actor.owner_id,
        target_kind="message",
        target_id=message_id,
    )
    session.expire_all()
    return await list_of_message(session, actor, message_id, FIRST_PAGE)


async def _called_off(session: AsyncWriteSession, message_id: UUID) -> int:
    """Deliveries that haven't been made yet aren't made."""
    result = await session.execute(
        update(FanOut)
        .where(FanOut.message_id == message_id, FanOut.done_at.is_(None))
        .values(done_at=db_now())
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", result).rowcount


async def _taken_back(session: AsyncWriteSession, message_id: UUID) -> Sequence[Change]:
    """From all who don't have it yet, however many."""
    queued = Delivery.message_id == message_id, Delivery.state == State.QUEUED
    found = select(Delivery.recipient_id).where(*queued).order_by(Delivery.recipient_id)
    inboxes = (await session.scalars(found)).all()
    taken_back: list[Change] = []
    for start in range(0, len(inboxes), _MANY):
        some = inboxes[start : start + _MANY]
        await lock_inboxes(session, some)
        changed = await session.execute(
            update(Delivery)
            .where(*queued, Delivery.recipient_id.in_(some))
            .values(state=State.WITHDRAWN)
            .returning(*CHANGED)
            .execution_options(synchronize_session=False)
        )
        closed = changed.all()
        await session.execute(
            update(Counter)
            .where(Counter.id.in_([row.recipient_id for row in closed]))
            .values(open=Counter.open - 1)
            .execution_options(synchronize_session=False)
        )
        taken_back += closed
    return taken_back
