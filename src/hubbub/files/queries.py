"""Statements and finders about files. Whoever looks comes first."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select

from hubbub.agents.queries import spoken_for
from hubbub.agents.types import Actor
from hubbub.files.models import File, FileUse
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.pagination import Order, PageRequest, paginate

_NEWEST = Order("files", File.created_at, File.id, descending=True)


def _visible(actor: Actor) -> ColumnElement[bool]:
    """What one has sent in, or an agent of one's own."""
    return File.participant_id.in_(spoken_for(actor))


async def find_file(session: AsyncReadSession, actor: Actor, file_id: UUID) -> File | None:
    file: File | None = await session.scalar(
        select(File).where(File.id == file_id, _visible(actor))
    )
    return file


async def lock_file(session: AsyncWriteSession, actor: Actor, file_id: UUID) -> File | None:
    statement = select(File).where(File.id == file_id, _visible(actor)).with_for_update()
    file: File | None = await session.scalar(statement)
    return file


async def list_files(
    session: AsyncReadSession, actor: Actor, page: PageRequest
) -> tuple[Sequence[File], str | None]:
    statement: Select[File] = select(File).where(_visible(actor))
    return await paginate(session, statement, _NEWEST, page)


async def bytes_of(session: AsyncReadSession, user_id: UUID) -> int:
    found = await session.scalar(select(FileUse.bytes).where(FileUse.user_id == user_id))
    return found or 0


async def known_among(session: AsyncReadSession, file_ids: Sequence[UUID]) -> set[UUID]:
    return set(await session.scalars(select(File.id).where(File.id.in_(file_ids))))


async def sizes_of_all(session: AsyncReadSession) -> AsyncIterator[tuple[UUID, int]]:
    """For whoever keeps the bytes."""
    async for file_id, size in await session.stream(select(File.id, File.size)):
        yield file_id, size
