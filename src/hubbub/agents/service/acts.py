"""The record of acts, by the page."""

from hubbub.activity.models import Activity
from hubbub.activity.schemas import ActivityRead
from hubbub.agents.queries.acts import ActFilters, list_acts
from hubbub.agents.types import Actor
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.kit.pagination import PageOf, PageRequest, read_cursor, write_cursor

_NAME = "activity"


async def list_activity(
    session: AsyncReadSession, actor: Actor, filters: ActFilters, page: PageRequest
) -> PageOf[ActivityRead]:
    before = None
    if page.cursor is not None:
        [before] = read_cursor(page.cursor, _NAME, Activity.id.type)
    rows = await list_acts(session, actor, filters, before, page.limit + 1)
    more, rows = len(rows) > page.limit, rows[: page.limit]
    cursor = write_cursor(_NAME, rows[-1].id) if more else None
    return PageOf(items=[_shown(act) for act in rows], next_cursor=cursor)


def _shown(act: Activity) -> ActivityRead:
    return ActivityRead(
        id=act.id,
        at=act.at,
        actor_id=act.actor_id,
        action=act.action,
        object_kind=act.target_kind,
        object_id=act.target_id,
        request_id=act.request_id,
        address=act.address,
        details=act.details,
        number=act.number,
        hash=act.hash,
    )
