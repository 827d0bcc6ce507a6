"""Telling a sender what they may have meant."""

from hubbub.agents import queries as agents
from hubbub.agents.types import Actor
from hubbub.kit.db.database import Database
from hubbub.kit.errors import AppError
from hubbub.messages.errors import NotInRoom, RecipientNotFound
from hubbub.rooms import queries as rooms


async def explained(database: Database, actor: Actor, error: RecipientNotFound) -> AppError:
    """The same refusal, with the nearest handles that this caller may see. Who sees a room through
    another participant of theirs is told that this one isn't in it."""
    unknown, room = error.extra.get("unknown"), error.extra.get("unknown_room")
    near: list[str] = []
    async with database.read() as session:
        if isinstance(unknown, list):
            for handle in unknown[:3]:
                near += await agents.nearest_handles(session, actor.viewer, str(handle))
        if isinstance(room, str):
            if await rooms.find_room_by_name(session, actor, room) is not None:
                return NotInRoom()
            near += await rooms.nearest_names(session, actor, room)
    if not near:
        return RecipientNotFound("Ask the directory for the names there are.")
    return RecipientNotFound("Did you mean one of those?", did_you_mean=sorted(set(near)))
