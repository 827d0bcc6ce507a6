"""Pages of deliveries."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, literal, or_, select, text, tuple_

from hubbub.agents.types import Actor
from hubbub.kit.db.dialect import db_now
from hubbub.kit.db.lateral import for_each
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.messages.models import AWAITS_ACK, Delivery, Message
from hubbub.messages.queries.visible import mine
from hubbub.messages.types import Direction, Role, State

type Place = tuple[UUID, UUID]
"""A message and a recipient."""

_KEY = (Delivery.message_id, Delivery.recipient_id)


def _before(place: Place) -> ColumnElement[bool]:
    message_id, recipient_id = place
    return and_(
        # said apart as well: an index that has the first column alone is served by that
        Delivery.message_id <= message_id,
        tuple_(*_KEY)
        < tuple_(
            literal(message_id, Delivery.message_id.type),
            literal(recipient_id, Delivery.recipient_id.type),
        ),
    )


async def list_deliveries_of(
    session: AsyncReadSession,
    actor: Actor,
    direction: Direction,
    agent_id: UUID | None,
    state: State | None,
    before: Place | None,
    limit: int,
) -> Sequence[Delivery]:
    """Newest first: what came to the participants of this viewer, or what they sent."""
    eyes = mine(actor).subquery()
    each: Select[*tuple[Any, ...]] = select(*_KEY).order_by(
        Delivery.message_id.desc(), Delivery.recipient_id.desc()
    )
    if direction is Direction.INCOMING:
        each = each.where(Delivery.recipient_id == eyes.c.id)
    else:
        each = (
            select(*_KEY)
            .join(Message, Message.id == Delivery.message_id)
            .where(Message.sender_id == eyes.c.id)
            .order_by(Message.id.desc(), Delivery.recipient_id.desc())
        )
    if agent_id is not None:
        each = each.where(Delivery.recipient_id == agent_id)
    if state is not None:
        each = each.where(Delivery.state == state)
    if before is not None:
        each = each.where(_before(before))
        if direction is Direction.OUTGOING:
            each = each.where(Message.id <= before[0])
    found = for_each(session, eyes, each.limit(limit))
    statement = (
        select(Delivery)
        .join(
            found,
            and_(
                Delivery.recipient_id == found.c.recipient_id,
                Delivery.message_id == found.c.message_id,
            ),
        )
        .order_by(Delivery.message_id.desc(), Delivery.recipient_id.desc())
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def list_of_message(
    session: AsyncReadSession,
    message_id: UUID,
    to: Select[UUID] | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Delivery]:
    """Of a message that a finder has given, all or only those `to` some."""
    statement = select(Delivery).where(Delivery.message_id == message_id)
    if to is not None:
        statement = statement.where(Delivery.recipient_id.in_(to))
    if after is not None:
        statement = statement.where(Delivery.recipient_id > after)
    return (await session.scalars(statement.order_by(Delivery.recipient_id).limit(limit))).all()


async def list_overdue(
    session: AsyncReadSession,
    actor: Actor,
    role: Role,
    after: tuple[datetime, UUID, UUID] | None,
    limit: int,
) -> Sequence[Delivery]:
    """What should have been acknowledged by now, the longest overdue first."""
    side = Delivery.sender_id if role is Role.SENDER else Delivery.recipient_id
    statement = select(Delivery).where(
        text(AWAITS_ACK), Delivery.ack_by < db_now(), side.in_(mine(actor))
    )
    if after is not None:
        ack_by, message_id, recipient_id = after
        statement = statement.where(
            Delivery.ack_by >= ack_by,
            or_(
                Delivery.ack_by > ack_by,
                Delivery.message_id > message_id,
                and_(Delivery.message_id == message_id, Delivery.recipient_id > recipient_id),
            ),
        )
    statement = statement.order_by(Delivery.ack_by, *_KEY).limit(limit)
    return (await session.scalars(statement)).all()
