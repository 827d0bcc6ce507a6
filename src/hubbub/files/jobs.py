from collections.abc import Sequence
from datetime import timedelta

from hubbub.files import queries
from hubbub.files.keeping import CONTENTS, THUMBNAILS, all_keys, file_of
from hubbub.files.service.events import FileDeleted
from hubbub.kit.blobs import Kept
from hubbub.kit.jobs import JobContext, NoArgs, job

_ON_ITS_WAY = timedelta(days=1)
"""No upload takes as long; what is younger may still become a file."""
_LOOKED_AT = 500


@job("files.erase", on=FileDeleted)
async def erase(context: JobContext, event: FileDeleted) -> None:
    await context.resources.blobs.erase(list(all_keys(event.file_id)))


@job("files.sweep", every=timedelta(hours=1))
async def sweep(context: JobContext, _: NoArgs) -> None:
    """Erases the bytes of which no file knows: an upload was cut off, or a hub killed in it."""
    before = context.resources.clock.now() - _ON_ITS_WAY
    for prefix in (CONTENTS, THUMBNAILS):
        some: list[Kept] = []
        async for each in context.resources.blobs.list(prefix):
            if each.at < before:
                some.append(each)
            if len(some) == _LOOKED_AT:
                await _sweep(context, some)
                some = []
        await _sweep(context, some)


async def _sweep(context: JobContext, some: Sequence[Kept]) -> None:
    files = {each.key: file_of(each.key) for each in some}
    wanted = [file_id for file_id in files.values() if file_id is not None]
    async with context.resources.database.read() as session:
        known = await queries.known_among(session, wanted)
    # what isn't named as we name things is somebody else's
    lost = [key for key, file_id in files.items() if file_id is not None and file_id not in known]
    await context.resources.blobs.erase(lost)


JOBS = (erase, sweep)
