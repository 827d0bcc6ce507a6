"""Which files are on what. Called by the domains above, in the transaction that makes or deletes
what the files are on; these say who sees that, and with it the files."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, delete, insert

from hubbub.agents.types import Actor
from hubbub.files import queries
from hubbub.files.errors import FileNotFound
from hubbub.files.models import Attachment
from hubbub.kit.db.sessions import AsyncWriteSession


async def attach(
    session: AsyncWriteSession,
    actor: Actor,
    kind: str,
    object_id: UUID,
    file_ids: Sequence[UUID],
    *,
    before: Sequence[UUID] = (),
) -> bool:
    """Makes these the files on it, in their order, instead of those `before`, and says whether that
    changes anything. What comes new must be the caller's own: who merely sees a file can't show it
    to others, and doesn't hear whether it exists."""
    if list(file_ids) == list(before):
        return False
    if file_ids:
        found = await queries.keep_files(session, actor, file_ids)
        usable = {file_id for file_id, is_own in found if is_own or file_id in before}
        if not usable.issuperset(file_ids):
            raise FileNotFound
    if before:
        await detach(session, kind, [object_id])
    rows = [
        {"kind": kind, "object_id": object_id, "file_id": file_id, "position": position}
        for position, file_id in enumerate(file_ids)
    ]
    if rows:
        await session.execute(insert(Attachment), rows)
    return True


async def detach(
    session: AsyncWriteSession, kind: str, object_ids: Sequence[UUID] | Select[UUID]
) -> None:
    """From what is deleted. The files stay."""
    await session.execute(
        delete(Attachment)
        .where(Attachment.kind == kind, Attachment.object_id.in_(object_ids))
        .execution_options(synchronize_session=False)
    )
