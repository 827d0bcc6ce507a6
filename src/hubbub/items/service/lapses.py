"""Claims whose time is over: nobody's any more from that moment on. What is done here only says
so."""

from hubbub.agents.models import Agent
from hubbub.items import queries
from hubbub.items.queries import Lapsed
from hubbub.items.service.history import note
from hubbub.items.types import Act
from hubbub.kit.db.database import Database
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.ids import new_id
from hubbub.messages.models import Announcement
from hubbub.messages.schemas import ROOM
from hubbub.messages.service.announcing import announce
from hubbub.notifications.service import notify
from hubbub.rooms.models import Room
from hubbub.rooms.queries import roles_of
from hubbub.rooms.types import MemberRole

_SOME = 100


async def notice_lapses(database: Database) -> None:
    while True:
        async with database.read() as session:
            found = await queries.lapsed_claims(session, _SOME)
        for each in found:
            async with database.write() as session:
                if await queries.put_back(session, each):
                    await tell_of_lapse(session, each)
        if len(found) < _SOME:
            return


async def tell_of_lapse(session: AsyncWriteSession, lapsed: Lapsed) -> None:
    """Once: by whoever has just taken the lapsed claim away."""
    holder = await session.get(Agent, lapsed.holder_id)
    creator = await session.get(Agent, lapsed.creator_id)
    name = holder.handle if holder is not None else "somebody"
    note(session, None, lapsed.item_id, Act.LAPSED, holder=name, fence=lapsed.fence)
    owners = {agent.owner_id for agent in (holder, creator) if agent is not None}
    for owner_id in sorted(each for each in owners if each is not None):
        await notify(
            session,
            owner_id,
            "items.lapsed",
            f"The claim of {name} on a work item has lapsed",
            f"It is open again: {lapsed.title}",
            once=new_id(),
        )
    if lapsed.room_id is not None:
        await _say_in_room(session, lapsed, name)


async def _say_in_room(session: AsyncWriteSession, lapsed: Lapsed, name: str) -> None:
    """In the name of who made the item; if they may not speak there any more, of who had claimed
    it."""
    assert lapsed.room_id is not None  # noqa: S101 - asked before
    room = await session.get(Room, lapsed.room_id)
    both = lapsed.creator_id, lapsed.holder_id
    roles = await roles_of(session, lapsed.room_id, both)
    speak = {each for each, role in roles.items() if role is not MemberRole.OBSERVER}
    sender = next((each for each in both if each in speak), None)
    if room is None or sender is None:
        return
    announce(
        session,
        Announcement(
            sender_id=sender,
            addressed=f"{ROOM}{room.name}",
            content=f"The claim of {name} has lapsed, the item is open again: {lapsed.title}",
            meta={"item_id": str(lapsed.item_id), "event": "lapsed", "fence": lapsed.fence},
        ),
    )
