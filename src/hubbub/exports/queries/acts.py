from hubbub.activity.models import Activity
from hubbub.agents.queries.acts import visible_acts
from hubbub.agents.types import Actor
from hubbub.exports.types import Columns
from hubbub.kit.db.plain import Sheet, forms_of, leaving
from hubbub.kit.db.spans import Span


def activity(actor: Actor | None, span: Span) -> Sheet:
    """All for admins, for others what they and their agents did."""
    columns: Columns = {
        "id": Activity.id.expression,
        "number": Activity.number.expression,
        "at": Activity.at.expression,
        "actor_id": Activity.actor_id.expression,
        "action": Activity.action.expression,
        "object_kind": Activity.target_kind.expression,
        "object_id": Activity.target_id.expression,
        "request_id": Activity.request_id.expression,
        "address": Activity.address.expression,
        "details": Activity.details.expression,
    }
    statement = leaving(columns).where(*span.of(Activity.at, Activity.id)).order_by(Activity.id)
    if actor is not None:
        statement = statement.where(visible_acts(actor))
    return Sheet(forms_of(columns), statement)
