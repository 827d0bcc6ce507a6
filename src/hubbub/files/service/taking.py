"""Taking files in: the bytes first, while nobody waits for a transaction, then the row.

A kill in between leaves bytes that nobody knows of; they are swept.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import update
from sqlalchemy.engine import CursorResult

from hubbub.agents.types import Actor
from hubbub.files import queries
from hubbub.files.errors import FileQuota, FilesAway, FileTooLarge
from hubbub.files.keeping import content_key
from hubbub.files.models import File, FileUse
from hubbub.files.naming import clean_name, disposition
from hubbub.files.service.reaching import PATIENCE
from hubbub.files.sniff import HEAD, Sniffer
from hubbub.kit.blobs import BlobsUnavailable, Shown
from hubbub.kit.db.dialect import insert_or_ignore
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.ids import new_id
from hubbub.kit.resources import Resources
from hubbub.settings import FileSettings


class Sent(BaseModel):
    """What was sent, for its idempotency key."""

    files: list[tuple[str, str]]
    """Name and hash."""


@dataclass(slots=True)
class Taken:
    """Bytes that are in the store, and not yet anybody's."""

    id: UUID
    name: str
    content_type: str = ""
    size: int = 0
    sha256: str = ""
    is_stored: bool = False


async def check_room(resources: Resources, actor: Actor) -> None:
    """Before anything is read: whose quota is used up needn't send."""
    async with resources.database.read() as session:
        used = await queries.bytes_of(session, actor.viewer.user_id)
    if used >= resources.settings.files.quota_bytes:
        raise FileQuota


async def take_in(resources: Resources, filename: str, pieces: AsyncIterator[bytes]) -> Taken:
    settings = resources.settings.files
    taken = Taken(new_id(), clean_name(filename))
    sniffer = Sniffer(taken.name, zips=settings.allow_zip)
    head = b""
    async for piece in pieces:
        head += piece
        if len(head) >= HEAD:
            break
    taken.content_type = sniffer.head(head)
    shown = Shown(taken.content_type, disposition(taken.name))
    content = _checked(taken, head, pieces, sniffer, settings)
    try:
        taken.sha256 = await resources.blobs.put(content_key(taken.id), content, shown)
    except BlobsUnavailable as error:
        raise FilesAway(retry_after=PATIENCE) from error
    return taken


async def _checked(
    taken: Taken,
    head: bytes,
    pieces: AsyncIterator[bytes],
    sniffer: Sniffer,
    settings: FileSettings,
) -> AsyncIterator[bytes]:
    """Counts and looks while the bytes pass."""

    def passed(piece: bytes) -> bytes:
        taken.size += len(piece)
        if taken.size > settings.max_bytes:
            msg = f"At most {settings.max_bytes} bytes."
            raise FileTooLarge(msg)
        return piece

    yield passed(head)
    async for piece in pieces:
        sniffer.more(piece)
        yield passed(piece)
    sniffer.end()


async def store(
    session: AsyncWriteSession, settings: FileSettings, actor: Actor, taken: Sequence[Taken]
) -> list[File]:
    user_id = actor.viewer.user_id
    await _count(session, settings, user_id, sum(each.size for each in taken))
    files = [
        File(
            id=each.id,
            user_id=user_id,
            participant_id=actor.participant_id,
            name=each.name,
            content_type=each.content_type,
            size=each.size,
            sha256=each.sha256,
        )
        for each in taken
    ]
    session.add_all(files)
    await session.flush()
    for file, each in zip(files, taken, strict=True):
        await session.refresh(file)
        each.is_stored = True
    return files


async def _count(
    session: AsyncWriteSession, settings: FileSettings, user_id: UUID, size: int
) -> None:
    """The row is locked from here on, so that two uploads can't both use what is left."""
    first = insert_or_ignore(session, FileUse, unique=["user_id"])
    await session.execute(first.values({"user_id": user_id, "bytes": 0}))
    room = update(FileUse).where(
        FileUse.user_id == user_id, FileUse.bytes + size <= settings.quota_bytes
    )
    result = await session.execute(room.values(bytes=FileUse.bytes + size))
    assert isinstance(result, CursorResult)  # noqa: S101 - of an UPDATE
    if result.rowcount == 0:
        msg = f"At most {settings.quota_bytes} bytes."
        raise FileQuota(msg)


async def give_back(resources: Resources, taken: Sequence[Taken]) -> None:
    """Erases what did not become a file. What can't be erased now is swept later."""
    keys = [content_key(each.id) for each in taken if not each.is_stored]
    with suppress(BlobsUnavailable):
        await resources.blobs.erase(keys)
