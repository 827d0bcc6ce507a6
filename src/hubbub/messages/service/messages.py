"""Messages as their senders and recipients see them later."""

from collections.abc import Sequence
from uuid import UUID

from hubbub.agents.queries import spoken_for
from hubbub.agents.types import Actor
from hubbub.files.schemas import shown_files
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.messages import queries
from hubbub.messages.errors import MessageNotFound
from hubbub.messages.models import Delivery, FanOut, Message
from hubbub.messages.queries.listing import Standing, standings
from hubbub.messages.schemas import EVERYONE, DeliveryRead, MessageRead, Spread
from hubbub.messages.service.pushing import pending


def shown(
    message: Message, from_name: str, standing: Standing, later: FanOut | None
) -> MessageRead:
    only = UUID(standing.first) if standing.recipients == 1 else None
    if later is not None:
        # those who are named are its recipients before they have it
        only = UUID(later.recipients[0]) if len(later.recipients) == 1 else None
    to_everyone = later is not None and later.to_everyone
    return MessageRead(
        id=message.id,
        from_agent_id=message.sender_id,
        from_name=from_name,
        to_agent_id=only if message.room_id is None and not to_everyone else None,
        to=message.addressed,
        content=message.content,
        content_type=message.content_type,
        thread_id=message.thread_id,
        room_id=message.room_id,
        reply_to=message.reply_to,
        files=shown_files(message.files or ()),
        metadata=message.meta,
        priority=message.priority,
        delivered=0 < standing.recipients == standing.arrived,
        spread=_spread(later) if later is not None else None,
        created_at=message.created_at,
        deliver_at=message.deliver_at,
        expires_at=message.expires_at,
        ack_by=message.ack_by,
        withdrawn_at=message.withdrawn_at,
    )


async def shown_all(
    session: AsyncReadSession, rows: Sequence[tuple[Message, str]]
) -> list[MessageRead]:
    """Messages with the handles of their senders, as a finder gave them."""
    standing = await standings(session, [row[0].id for row in rows])
    delayed = [row[0].id for row in rows if row[0].deliver_at or row[0].addressed == [EVERYONE]]
    later = await queries.fan_outs(session, delayed) if delayed else {}
    return [
        shown(message, name, standing.get(message.id, Standing()), later.get(message.id))
        for message, name in rows
    ]


def _spread(later: FanOut) -> Spread:
    return Spread(done=later.done_at is not None, reached=later.reached, skipped=later.skipped)


async def read_message(session: AsyncReadSession, actor: Actor, message_id: UUID) -> MessageRead:
    found = await queries.find_message(session, actor, message_id)
    if found is None:
        raise MessageNotFound
    [read] = await shown_all(session, [found])
    return read


async def read_thread(
    session: AsyncReadSession, actor: Actor, message_id: UUID, limit: int
) -> list[MessageRead]:
    found = await queries.find_message(session, actor, message_id)
    if found is None:
        raise MessageNotFound
    rows = await queries.list_thread(session, actor, found[0].thread_id, limit)
    return await shown_all(session, rows)


async def as_first_answered(
    session: AsyncReadSession, message_ids: Sequence[UUID]
) -> dict[UUID, MessageRead]:
    """What was answered when they were sent, for whoever sends them again."""
    answers = await shown_all(session, await queries.find_sent(session, message_ids))
    for read in answers:
        read.delivered, read.withdrawn_at = False, None
        if read.spread is not None:
            read.spread = Spread(done=False, reached=0, skipped=0)
    return {read.id: read for read in answers}


async def shown_deliveries(
    session: AsyncReadSession, actor: Actor, deliveries: Sequence[Delivery]
) -> list[DeliveryRead]:
    """How the pushing goes is for those whose gateway it is."""
    # of one's own there are few, of recipients there may be more than a statement takes
    own = set(await session.scalars(spoken_for(actor)))
    known = [each for each in deliveries if actor.is_admin or each.recipient_id in own]
    waiting = await pending(session, known)
    shown = []
    for each in deliveries:
        read = shown_delivery(each)
        if actor.is_admin or each.recipient_id in own:
            read.attempts = each.attempts
            at, reason = waiting.get((each.recipient_id, each.seq), (None, None))
            read.next_attempt_at, read.blocked_reason = at, reason
        shown.append(read)
    return shown


def shown_delivery(delivery: Delivery) -> DeliveryRead:
    return DeliveryRead(
        message_id=delivery.message_id,
        agent_id=delivery.recipient_id,
        seq=delivery.seq,
        state=delivery.state,
        created_at=delivery.created_at,
        delivered_at=delivery.delivered_at,
        read_at=delivery.read_at,
        acked_at=delivery.acked_at,
        reason=delivery.reason,
    )
