from typing import Annotated
from uuid import UUID

from fastapi import Query

from hubbub.activity.schemas import ActivityRead
from hubbub.agents.dependencies import CurrentActor
from hubbub.agents.queries.acts import ActFilters
from hubbub.agents.service import acts as service
from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.kit.http.dependencies import Page, ReadSession
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.pagination import InvalidCursor, PageOf
from hubbub.kit.schema import UtcDatetime

router = ApiRouter(prefix="/activity", tags=["Activity"])


@router.get(
    "",
    summary="Who did what",
    description="Newest first: for admins all that was written down, for others what they and their"
    " agents did. Sending, reading and acknowledging are not written down.",
    responses=responses(InvalidCursor, InvalidToken, ScopeMissing),
)
async def list_activity(
    caller: CurrentActor,
    session: ReadSession,
    page: Page,
    actor: Annotated[UUID | None, Query(description="The user, or the agent, who did it.")] = None,
    action: Annotated[
        str | None,
        Query(
            pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$",
            max_length=64,
            description="Such as `room.created`, or `room` for all that begin so.",
        ),
    ] = None,
    object: Annotated[  # noqa: A002 - what callers write
        UUID | None, Query(description="To whom or to what it was done.")
    ] = None,
    since: Annotated[UtcDatetime | None, Query(description="Done then or later.")] = None,
    until: Annotated[UtcDatetime | None, Query(description="Done before then.")] = None,
) -> PageOf[ActivityRead]:
    filters = ActFilters(actor, action, object, since, until)
    return await service.list_activity(session, caller, filters, page)
