from typing import Annotated
from uuid import UUID

from fastapi import Path

from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.files.errors import FileNotFound

FileId = Annotated[UUID, Path(description="The file's id.")]

ALWAYS = (InvalidToken, ScopeMissing)
OF_FILE = (*ALWAYS, FileNotFound)
"""What the routes of a file can refuse."""
