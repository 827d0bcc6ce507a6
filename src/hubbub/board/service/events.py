from typing import ClassVar
from uuid import UUID

from hubbub.kit.outbox import Event


class NamedOnBoard(Event):
    """With an `@`, in a post or in a comment on it."""

    topic: ClassVar[str] = "board.mentioned"
    post_id: UUID
    comment_id: UUID | None
    participant_id: UUID
