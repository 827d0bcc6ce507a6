from typing import Annotated
from uuid import UUID

from fastapi import Depends
from starlette.requests import HTTPConnection

from hubbub.agents.dependencies import CurrentActor
from hubbub.agents.types import Actor
from hubbub.kit.http.dependencies import CurrentResources
from hubbub.messages import queries
from hubbub.messages.errors import NotYourParticipant
from hubbub.messages.state import MessageState


async def get_message_state(connection: HTTPConnection) -> MessageState:
    state: MessageState = connection.app.state.messages
    return state


CurrentMessages = Annotated[MessageState, Depends(get_message_state)]


async def inbox_reader(agent_id: UUID, actor: CurrentActor, resources: CurrentResources) -> Actor:
    """Who may see into this inbox: the agent itself, and a user who owns it."""
    if agent_id == actor.participant_id:
        return actor
    async with resources.database.read() as session:
        if not await queries.owns(session, actor, agent_id):
            raise NotYourParticipant
    return actor


InboxReader = Annotated[Actor, Depends(inbox_reader)]
