from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from hubbub.agents.service.transfers import Transferred
from hubbub.files import queries
from hubbub.files.keeping import CONTENTS, THUMBNAILS, all_keys, file_of
from hubbub.files.service import following
from hubbub.files.service.events import FileDeleted
from hubbub.kit.blobs.sweeping import sweep_prefix
from hubbub.kit.jobs import JobContext, NoArgs, job

_ON_ITS_WAY = timedelta(days=1)
"""No upload takes as long; what is younger may still become a file."""


@job("files.erase", on=FileDeleted)
async def erase(context: JobContext, event: FileDeleted) -> None:
    await context.resources.blobs.erase(list(all_keys(event.file_id)))


@job("files.follow", on=Transferred)
async def follow(context: JobContext, event: Transferred) -> None:
    async with context.resources.database.write() as session:
        await following.follow(session, event.agent_id)


@job("files.sweep", every=timedelta(hours=1))
async def sweep(context: JobContext, _: NoArgs) -> None:
    """Erases the bytes of which no file knows: an upload was cut off, or a hub killed in it."""
    resources = context.resources

    async def known(file_ids: Sequence[UUID]) -> set[UUID]:
        async with resources.database.read() as session:
            return await queries.known_among(session, file_ids)

    before = resources.clock.now() - _ON_ITS_WAY
    for prefix in (CONTENTS, THUMBNAILS):
        await sweep_prefix(resources.blobs, prefix, before, file_of, known)


JOBS = (erase, follow, sweep)
