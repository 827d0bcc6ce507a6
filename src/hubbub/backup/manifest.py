"""What a backup says of itself."""

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ValidationError

from hubbub.kit.crypto import KEYS_FILE
from hubbub.kit.keys import SECRET_FILE
from hubbub.start import StartError

DATABASE = "hubbub.db"
BLOBS = "blobs"
SECRETS = (SECRET_FILE, KEYS_FILE)
_MANIFEST = "manifest.json"


class Manifest(BaseModel):
    format: Literal[1] = 1
    hubbub: str
    made_at: AwareDatetime
    database_sha256: str
    files: int
    secrets: bool
    blobs_url: str | None
    """Where the files are when they are in none of our folders."""

    def write(self, folder: Path) -> None:
        (folder / _MANIFEST).write_text(self.model_dump_json(indent=2) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        try:
            return cls.model_validate_json((folder / _MANIFEST).read_bytes())
        except (FileNotFoundError, NotADirectoryError, ValidationError) as error:
            msg = f"{folder.absolute()} holds no backup that this version of Hubbub knows"
            raise StartError(msg) from error


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
