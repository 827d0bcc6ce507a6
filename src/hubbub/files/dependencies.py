from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path
from starlette.requests import HTTPConnection

from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.files.errors import FileNotFound
from hubbub.files.queries import Sights

FileId = Annotated[UUID, Path(description="The file's id.")]

ALWAYS = (InvalidToken, ScopeMissing)
OF_FILE = (*ALWAYS, FileNotFound)
"""What the routes of a file can refuse."""


async def get_sights(connection: HTTPConnection) -> Sights:
    """How the domains above say who sees what files are on."""
    sights: Sights = connection.app.state.sights
    return sights


CurrentSights = Annotated[Sights, Depends(get_sights)]
