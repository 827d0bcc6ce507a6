"""Statements and finders about files. Whoever looks comes first."""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from hubbub.agents.models import Agent
from hubbub.agents.types import Actor
from hubbub.files.models import Attachment, File, FileUse
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.pagination import Order, PageRequest, paginate

_NEWEST = Order("files", File.created_at, File.id, descending=True)

type Sight = Callable[[Actor, InstrumentedAttribute[UUID]], ColumnElement[bool]]
"""Whether somebody sees the object of a domain above that has the id in this column."""
type Sights = Mapping[str, Sight]
"""By the kind of what files are on."""


def is_own(actor: Actor) -> ColumnElement[bool]:
    """What one has sent in, or an agent of one's own; also one that is deleted, for its files are
    in nobody else's hands."""
    if not actor.is_user:
        return File.participant_id == actor.participant_id
    return File.participant_id.in_(select(Agent.id).where(Agent.owner_id == actor.owner_id))


def _shown_on(actor: Actor, file_id: UUID, kind: str, sight: Sight) -> ColumnElement[bool]:
    return exists().where(
        Attachment.file_id == file_id, Attachment.kind == kind, sight(actor, Attachment.object_id)
    )


async def find_file(
    session: AsyncReadSession, actor: Actor, file_id: UUID, sights: Sights
) -> File | None:
    """One's own, or one that is on something that one sees."""
    shown = (_shown_on(actor, file_id, kind, sight) for kind, sight in sights.items())
    statement = select(File).where(File.id == file_id, or_(is_own(actor), *shown))
    file: File | None = await session.scalar(statement)
    return file


async def own_files(
    session: AsyncReadSession, actor: Actor, file_ids: Sequence[UUID]
) -> Sequence[File]:
    statement = select(File).where(File.id.in_(file_ids), is_own(actor))
    return (await session.scalars(statement)).all()


async def keep_files(
    session: AsyncWriteSession, actor: Actor, file_ids: Sequence[UUID]
) -> Sequence[Row[UUID, bool]]:
    """Those of these that there are, each with whether it is one's own; none of them is deleted
    before this ends."""
    statement = select(File.id, is_own(actor)).where(File.id.in_(file_ids)).order_by(File.id)
    statement = statement.with_for_update(read=True, key_share=True, of=File)
    return (await session.execute(statement)).all()


async def lock_file(session: AsyncWriteSession, actor: Actor, file_id: UUID) -> File | None:
    """Only one's own."""
    statement = select(File).where(File.id == file_id, is_own(actor)).with_for_update()
    file: File | None = await session.scalar(statement)
    return file


async def list_files(
    session: AsyncReadSession, actor: Actor, page: PageRequest
) -> tuple[Sequence[File], str | None]:
    statement: Select[File] = select(File).where(is_own(actor))
    return await paginate(session, statement, _NEWEST, page)


async def bytes_of(session: AsyncReadSession, user_id: UUID) -> int:
    found = await session.scalar(select(FileUse.bytes).where(FileUse.user_id == user_id))
    return found or 0


async def known_among(session: AsyncReadSession, file_ids: Sequence[UUID]) -> set[UUID]:
    return set(await session.scalars(select(File.id).where(File.id.in_(file_ids))))
