from sqlalchemy import false

from hubbub.agents.models import Agent, AgentPresence
from hubbub.agents.types import Actor
from hubbub.exports.types import Columns
from hubbub.kit.db.plain import Sheet, forms_of, leaving
from hubbub.kit.db.spans import Span
from hubbub.messages.queries.visible import mine
from hubbub.users.models import User


def users(actor: Actor | None, span: Span) -> Sheet:
    """For admins: members see no addresses."""
    columns: Columns = {
        "id": User.id.expression,
        "name": User.full_name.expression,
        "email": User.email.expression,
        "username": User.username.expression,
        "website": User.website.expression,
        "role": User.role.expression,
        "is_active": User.is_active.expression,
        "created_at": User.created_at.expression,
        "updated_at": User.updated_at.expression,
    }
    statement = leaving(columns).where(*span.of(User.created_at)).order_by(User.id)
    if actor is not None and not actor.is_admin:
        statement = statement.where(false())
    return Sheet(forms_of(columns), statement)


def agents(actor: Actor | None, span: Span) -> Sheet:
    """With how they are reached: an admin's are all there are, anybody else's their own."""
    columns: Columns = {
        "id": Agent.id.expression,
        "name": Agent.handle.expression,
        "display_name": Agent.display_name.expression,
        "kind": Agent.kind.expression,
        "owner_id": Agent.owner_id.expression,
        "description": Agent.description.expression,
        "skills": Agent.skills.expression,
        "accepts": Agent.accepts.expression,
        "gateway_kind": Agent.gateway_kind.expression,
        "gateway_url": Agent.gateway_url.expression,
        "ordered": Agent.ordered.expression,
        "max_in_flight": Agent.max_in_flight.expression,
        "retry_ambiguous": Agent.retry_ambiguous.expression,
        "may_broadcast": Agent.may_broadcast.expression,
        "created_at": Agent.created_at.expression,
        "updated_at": Agent.updated_at.expression,
        "last_seen_at": AgentPresence.last_seen_at.expression,
    }
    statement = (
        leaving(columns)
        .outerjoin(AgentPresence, AgentPresence.agent_id == Agent.id)
        .where(Agent.deleted_at.is_(None), *span.of(Agent.created_at))
        .order_by(Agent.id)
    )
    if actor is not None and not actor.is_admin:
        statement = statement.where(Agent.id.in_(mine(actor)))
    return Sheet(forms_of(columns), statement)
