"""Telling those who are named with an `@`."""

from uuid import UUID

from hubbub.board import queries
from hubbub.board.service.events import NamedOnBoard
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.outbox import emit
from hubbub.messages.types import ContentType
from hubbub.messages.writer.mentions import MOST_MENTIONED, names_in

_MARKS = "._-"


async def tell_the_named(
    session: AsyncWriteSession,
    author_id: UUID,
    post_id: UUID,
    comment_id: UUID | None,
    *,
    now: str,
    before: str = "",
) -> None:
    """Of a text that was changed, those who weren't named before. Whether they may see it, and want
    to hear of it, is asked when they are told."""
    new = [name for name in _names(now) if name not in set(_names(before))]
    if not new:
        return
    spellings = {spelling for name in new for spelling in (name, name.rstrip(_MARKS))}
    found = await queries.participants_named(session, sorted(spellings))
    named: dict[UUID, None] = {}
    for name in new:
        # a handle may end with a full stop, and a sentence may end with a handle
        participant_id = found.get(name) or found.get(name.rstrip(_MARKS))
        if participant_id is not None and participant_id != author_id:
            named[participant_id] = None
    for participant_id in list(named)[:MOST_MENTIONED]:
        emit(
            session,
            NamedOnBoard(post_id=post_id, comment_id=comment_id, participant_id=participant_id),
        )


def _names(text: str) -> tuple[str, ...]:
    return names_in(text, ContentType.MARKDOWN)
