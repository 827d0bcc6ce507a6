"""Deliveries by the page."""

from datetime import datetime
from uuid import UUID

from hubbub.agents.errors import NotYourParticipant
from hubbub.agents.queries import spoken_for
from hubbub.agents.types import Actor
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.kit.pagination import PageOf, PageRequest, read_cursor, write_cursor
from hubbub.messages import queries
from hubbub.messages.errors import MessageNotFound
from hubbub.messages.models import Delivery
from hubbub.messages.queries import deliveries as finders
from hubbub.messages.schemas import DeliveryRead, OverdueDelivery
from hubbub.messages.service.messages import shown_deliveries
from hubbub.messages.types import Direction, Role, State

FIRST_PAGE = PageRequest(limit=100, cursor=None)
_PAIR = (Delivery.message_id.type, Delivery.recipient_id.type)
_OF_MESSAGE = "deliveries.of_message"


async def list_deliveries(
    session: AsyncReadSession,
    actor: Actor,
    page: PageRequest,
    *,
    direction: Direction,
    agent_id: UUID | None,
    state: State | None,
) -> PageOf[DeliveryRead]:
    name = f"deliveries.{direction}"
    before: tuple[UUID, UUID] | None = None
    if page.cursor is not None:
        message_id, recipient_id = read_cursor(page.cursor, name, *_PAIR)
        before = message_id, recipient_id
    incoming = direction is Direction.INCOMING
    if incoming and agent_id is not None and not await queries.owns(session, actor, agent_id):
        raise NotYourParticipant
    rows = await finders.list_deliveries_of(
        session, actor, direction, agent_id, state, before, page.limit + 1
    )
    more, rows = len(rows) > page.limit, rows[: page.limit]
    cursor = write_cursor(name, rows[-1].message_id, rows[-1].recipient_id) if more else None
    return PageOf(items=await shown_deliveries(session, actor, rows), next_cursor=cursor)


async def list_of_message(
    session: AsyncReadSession, actor: Actor, message_id: UUID, page: PageRequest
) -> PageOf[DeliveryRead]:
    """All of them for who sent it; whoever got it sees how it stands with themselves."""
    after: UUID | None = None
    if page.cursor is not None:
        [after] = read_cursor(page.cursor, _OF_MESSAGE, Delivery.recipient_id.type)
    message = await queries.find_message(session, actor, message_id)
    if message is None:
        raise MessageNotFound
    is_sender = await queries.owns(session, actor, message[0].sender_id)
    to = None if is_sender else spoken_for(actor)
    rows = await finders.list_of_message(session, message_id, to, after, page.limit + 1)
    more, rows = len(rows) > page.limit, rows[: page.limit]
    cursor = write_cursor(_OF_MESSAGE, rows[-1].recipient_id) if more else None
    return PageOf(items=await shown_deliveries(session, actor, rows), next_cursor=cursor)


async def list_overdue(
    session: AsyncReadSession, actor: Actor, role: Role, page: PageRequest
) -> PageOf[OverdueDelivery]:
    name = f"overdue.{role}"
    after: tuple[datetime, UUID, UUID] | None = None
    if page.cursor is not None:
        ack_by, message_id, recipient_id = read_cursor(
            page.cursor, name, Delivery.ack_by.type, *_PAIR
        )
        after = ack_by, message_id, recipient_id
    rows = await finders.list_overdue(session, actor, role, after, page.limit + 1)
    more, rows = len(rows) > page.limit, rows[: page.limit]
    last = rows[-1] if more else None
    cursor = last and write_cursor(name, last.ack_by, last.message_id, last.recipient_id)
    shown = await shown_deliveries(session, actor, rows)
    items = [
        OverdueDelivery(
            **read.model_dump(exclude={"id"}),
            from_agent_id=each.sender_id,
            ack_by=each.ack_by,
        )
        for each, read in zip(rows, shown, strict=True)
    ]
    return PageOf(items=items, next_cursor=cursor)
