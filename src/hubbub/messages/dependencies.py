from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query
from starlette.requests import HTTPConnection

from hubbub.agents.dependencies import CurrentActor
from hubbub.agents.types import Actor
from hubbub.kit.http.dependencies import CurrentResources
from hubbub.kit.schema import UtcDatetime
from hubbub.messages.queries.listing import Filters
from hubbub.messages.service.inbox import check_reader
from hubbub.messages.state import MessageState
from hubbub.messages.types import State
from hubbub.users.errors import AdminsOnly


async def get_message_state(connection: HTTPConnection) -> MessageState:
    state: MessageState = connection.app.state.messages
    return state


CurrentMessages = Annotated[MessageState, Depends(get_message_state)]


async def inbox_reader(agent_id: UUID, actor: CurrentActor, resources: CurrentResources) -> Actor:
    # the session takes no connection before it is asked something
    async with resources.database.read() as session:
        await check_reader(session, actor, agent_id)
    return actor


InboxReader = Annotated[Actor, Depends(inbox_reader)]


async def message_filters(
    agent: Annotated[UUID | None, Query(description="Who sent it or got it.")] = None,
    thread: Annotated[UUID | None, Query(description="`thread_id` of one of its messages.")] = None,
    since: Annotated[UtcDatetime | None, Query(description="Sent then or later.")] = None,
    until: Annotated[UtcDatetime | None, Query(description="Sent before then.")] = None,
    state: Annotated[State | None, Query(description="With any recipient.")] = None,
    room: Annotated[
        UUID | None, Query(description="Said there; if you are in it, all that you may read.")
    ] = None,
) -> Filters:
    return Filters(agent, thread, since, until, state, room)


MessageFilters = Annotated[Filters, Depends(message_filters)]


async def admin_actor(actor: CurrentActor) -> Actor:
    if not actor.is_admin:
        msg = "It needs the role admin and, with an API key, the scope admin."
        raise AdminsOnly(msg)
    return actor


AdminActor = Annotated[Actor, Depends(admin_actor)]
