from typing import ClassVar
from uuid import UUID

from hubbub.kit.outbox import Event


class FileDeleted(Event):
    topic: ClassVar[str] = "file.deleted"
    file_id: UUID
