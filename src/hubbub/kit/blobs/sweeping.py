"""Finding bytes that nobody knows of: a hub was killed between storing them and saying so."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

from hubbub.kit.blobs import BlobStore, Kept

_LOOKED_AT = 500


async def sweep_prefix(
    blobs: BlobStore,
    prefix: str,
    before: datetime,
    owner_of: Callable[[str], UUID | None],
    known: Callable[[Sequence[UUID]], Awaitable[set[UUID]]],
) -> None:
    """Erases what begins so, is older, and belongs to something that isn't there. What isn't named
    as we name things is somebody else's."""

    async def sweep(some: Sequence[Kept]) -> None:
        owners = {each.key: owner_of(each.key) for each in some}
        there = await known([owner for owner in owners.values() if owner is not None])
        lost = [key for key, owner in owners.items() if owner is not None and owner not in there]
        await blobs.erase(lost)

    await blobs.tidy(prefix, before)
    some: list[Kept] = []
    async for each in blobs.list(prefix):
        if each.at < before:
            some.append(each)
        if len(some) == _LOOKED_AT:
            await sweep(some)
            some = []
    await sweep(some)
