"""Reading and deleting files."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, update

from hubbub.activity.service import record
from hubbub.agents.types import Actor
from hubbub.files import queries
from hubbub.files.errors import FileNotFound, NoLinks, NotYourFile
from hubbub.files.keeping import content_key
from hubbub.files.models import File, FileUse
from hubbub.files.queries import Sights
from hubbub.files.service.events import FileDeleted
from hubbub.files.service.reaching import reaching_bytes
from hubbub.kit.blobs import BlobStore
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.outbox import emit


async def get_file(session: AsyncReadSession, actor: Actor, file_id: UUID, sights: Sights) -> File:
    file = await queries.find_file(session, actor, file_id, sights)
    if file is None:
        raise FileNotFound
    return file


async def content(
    blobs: BlobStore, file: File, start: int, end: int
) -> tuple[bytes, AsyncIterator[bytes]]:
    """The first piece, read before anything is answered, and the others."""
    pieces = blobs.read(content_key(file.id), start, end)
    with reaching_bytes():
        return await anext(pieces, b""), pieces


async def link(
    blobs: BlobStore, file: File, now: datetime, lasts: timedelta
) -> tuple[str, datetime]:
    with reaching_bytes():
        url = await blobs.link(content_key(file.id), lasts)
    if url is None:
        raise NoLinks
    return url, now + lasts


async def delete_file(
    session: AsyncWriteSession, actor: Actor, file_id: UUID, sights: Sights
) -> None:
    """The bytes go once this has been committed. What it was on, has it no more."""
    file = await queries.lock_file(session, actor, file_id)
    if file is None:
        await get_file(session, actor, file_id, sights)
        raise NotYourFile
    await session.execute(delete(File).where(File.id == file.id))
    if file.user_id is not None:
        use = update(FileUse).where(FileUse.user_id == file.user_id)
        await session.execute(use.values(bytes=FileUse.bytes - file.size))
    record(
        session,
        "file.deleted",
        actor_id=actor.recorded_as,
        target_kind="file",
        target_id=file.id,
    )
    emit(session, FileDeleted(file_id=file.id))
