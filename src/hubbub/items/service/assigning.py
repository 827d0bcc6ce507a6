"""Saying who is to do an item, and telling them."""

from uuid import UUID

from hubbub.agents.models import Agent
from hubbub.agents.service.rights import get_other
from hubbub.agents.types import Actor
from hubbub.items.errors import AssigneeNotInRoom
from hubbub.items.models import Item
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.messages.models import Announcement
from hubbub.messages.schemas import AGENT
from hubbub.messages.service.announcing import announce
from hubbub.rooms.queries import roles_of
from hubbub.rooms.types import MemberRole


async def find_assignee(
    session: AsyncReadSession, actor: Actor, room_id: UUID | None, name_or_id: str
) -> Agent:
    agent = await get_other(session, actor, name_or_id)
    if room_id is not None:
        role = (await roles_of(session, room_id, [agent.id])).get(agent.id)
        if role is None or role is MemberRole.OBSERVER:
            raise AssigneeNotInRoom
    return agent


def tell(session: AsyncWriteSession, sender_id: UUID, agent: Agent, item: Item) -> None:
    """By a message, as far as the agent takes any from the sender."""
    if agent.id == sender_id:
        return
    announce(
        session,
        Announcement(
            sender_id=sender_id,
            addressed=f"{AGENT}{agent.handle}",
            content=f"A work item is meant for you: {item.title}",
            meta={"item_id": str(item.id), "event": "assigned"},
        ),
    )
