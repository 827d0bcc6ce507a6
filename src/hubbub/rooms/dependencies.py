from typing import Annotated
from uuid import UUID

from fastapi import Path, Query

from hubbub.agents.errors import NotYourParticipant
from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.rooms.errors import RoomNotFound

RoomId = Annotated[UUID, Path(description="The room's id.")]
AsAgent = Annotated[
    UUID | None, Query(description="As whom: yourself if left out, or an agent of your own.")
]

ALWAYS = (InvalidToken, ScopeMissing)
IN_ROOM = (*ALWAYS, RoomNotFound)
ACTING = (*IN_ROOM, NotYourParticipant)
"""What the routes of a room can refuse, one step after the other."""
