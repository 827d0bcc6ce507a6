"""Telling a sender what he may have meant."""

from hubbub.agents import queries as agents
from hubbub.agents.types import Actor
from hubbub.kit.db.database import Database
from hubbub.messages.errors import RecipientNotFound


async def explained(
    database: Database, actor: Actor, error: RecipientNotFound
) -> RecipientNotFound:
    """The same refusal, with the nearest handles that this caller may see."""
    unknown = error.extra.get("unknown")
    near: list[str] = []
    if isinstance(unknown, list):
        async with database.read() as session:
            for handle in unknown[:3]:
                near += await agents.nearest_handles(session, actor.viewer, str(handle))
    if not near:
        return RecipientNotFound("Ask the directory for the handles there are.")
    return RecipientNotFound("Did you mean one of those?", did_you_mean=sorted(set(near)))
