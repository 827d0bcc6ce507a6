"""Who may still say something where a post stands."""

from uuid import UUID

from hubbub.agents.types import Actor
from hubbub.board.models import Post
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.messages.service.speaking import check_speaks_in


async def check_may_change(
    session: AsyncReadSession, actor: Actor, post: Post, creator_id: UUID
) -> None:
    """Changing what one wrote is saying something else: whoever was put out of a room, or only
    listens by now, may take it back and no more."""
    if post.room_id is not None and not actor.is_admin:
        await check_speaks_in(session, actor, creator_id, post.room_id)
