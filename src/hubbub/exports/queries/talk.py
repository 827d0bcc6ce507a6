"""Messages, what became of them, and where they are said."""

from sqlalchemy import case, func, or_
from sqlalchemy.orm import aliased

from hubbub.agents.models import Agent
from hubbub.agents.types import Actor
from hubbub.exports.types import Columns
from hubbub.kit.db.dialect import byte_length
from hubbub.kit.db.plain import Sheet, forms_of, leaving
from hubbub.kit.db.spans import Span
from hubbub.messages.models import Delivery, Message
from hubbub.messages.queries.visible import mine, seen
from hubbub.rooms.models import Room
from hubbub.rooms.queries import visible_rooms


def rooms(actor: Actor | None, span: Span) -> Sheet:
    creator = aliased(Agent)
    columns: Columns = {
        "id": Room.id.expression,
        "name": Room.name.expression,
        "title": Room.title.expression,
        "description": Room.description.expression,
        "visibility": Room.visibility.expression,
        "history": Room.history.expression,
        "members": Room.members.expression,
        "creator_id": Room.created_by.expression,
        "creator_name": creator.handle.expression,
        "created_at": Room.created_at.expression,
        "updated_at": Room.updated_at.expression,
    }
    statement = (
        leaving(columns)
        .join(creator, creator.id == Room.created_by)
        .where(Room.deleted_at.is_(None), *span.of(Room.created_at))
        .order_by(Room.id)
    )
    if actor is not None:
        statement = statement.where(Room.id.in_(visible_rooms(actor)))
    return Sheet(forms_of(columns), statement)


def messages(actor: Actor | None, span: Span) -> Sheet:
    """Admins get all there are, without what they say; anybody else what they see, whole."""
    sender = aliased(Agent)
    columns: Columns = {
        "id": Message.id.expression,
        "from_agent_id": Message.sender_id.expression,
        "from_name": sender.handle.expression,
        "to": Message.addressed.expression,
        "room_id": Message.room_id.expression,
        "thread_id": Message.thread_id.expression,
        "reply_to": Message.reply_to.expression,
        "content_type": Message.content_type.expression,
        "size": byte_length(Message.content),
        "metadata_size": func.coalesce(byte_length(Message.meta), 0),
        "priority": Message.priority.expression,
        "created_at": Message.created_at.expression,
        "deliver_at": Message.deliver_at.expression,
        "expires_at": Message.expires_at.expression,
        "ack_by": Message.ack_by.expression,
        "withdrawn_at": Message.withdrawn_at.expression,
    }
    if actor is None or not actor.is_admin:
        columns["content"] = Message.content.expression
        columns["metadata"] = Message.meta.expression
    statement = (
        leaving(columns)
        .join(sender, sender.id == Message.sender_id)
        .where(*span.of(Message.created_at, Message.id))
        .order_by(Message.id)
    )
    if actor is not None and not actor.is_admin:
        statement = statement.where(Message.id.in_(seen(actor)))
    return Sheet(forms_of(columns), statement)


def deliveries(actor: Actor | None, span: Span) -> Sheet:
    """An admin's are all there are, anybody else's those that they sent or got. How often one was
    pushed is its recipient's to know."""
    sender, recipient = aliased(Agent), aliased(Agent)
    everything = actor is None or actor.is_admin
    own = None if actor is None or everything else mine(actor)
    attempts = Delivery.attempts.expression
    columns: Columns = {
        "message_id": Delivery.message_id.expression,
        "agent_id": Delivery.recipient_id.expression,
        "agent_name": recipient.handle.expression,
        "from_agent_id": Delivery.sender_id.expression,
        "from_name": sender.handle.expression,
        "seq": Delivery.seq.expression,
        "state": Delivery.state.expression,
        "attempts": attempts
        if own is None
        else case((Delivery.recipient_id.in_(own), attempts), else_=None),
        "reason": Delivery.reason.expression,
        "created_at": Delivery.created_at.expression,
        "delivered_at": Delivery.delivered_at.expression,
        "read_at": Delivery.read_at.expression,
        "acked_at": Delivery.acked_at.expression,
        "expires_at": Delivery.expires_at.expression,
        "ack_by": Delivery.ack_by.expression,
    }
    statement = (
        leaving(columns)
        .join(recipient, recipient.id == Delivery.recipient_id)
        .join(sender, sender.id == Delivery.sender_id)
        .where(*span.of(Delivery.created_at))
        .order_by(Delivery.recipient_id, Delivery.seq)
    )
    if own is not None:
        statement = statement.where(
            or_(Delivery.recipient_id.in_(own), Delivery.sender_id.in_(own))
        )
    return Sheet(forms_of(columns), statement)
