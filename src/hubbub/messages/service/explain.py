"""Telling a sender what he may have meant."""

from hubbub.agents import queries as agents
from hubbub.agents.types import Actor
from hubbub.kit.db.database import Database
from hubbub.messages.errors import RecipientNotFound
from hubbub.rooms import queries as rooms


async def explained(
    database: Database, actor: Actor, error: RecipientNotFound
) -> RecipientNotFound:
    """The same refusal, with the nearest handles that this caller may see."""
    unknown, room = error.extra.get("unknown"), error.extra.get("unknown_room")
    near: list[str] = []
    async with database.read() as session:
        if isinstance(unknown, list):
            for handle in unknown[:3]:
                near += await agents.nearest_handles(session, actor.viewer, str(handle))
        if isinstance(room, str):
            near += await rooms.nearest_names(session, actor, room)
    if not near:
        return RecipientNotFound("Ask the directory for the names there are.")
    return RecipientNotFound("Did you mean one of those?", did_you_mean=sorted(set(near)))
