"""What each process does for the record while it runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from hubbub.activity.service.sealing import Sealer
from hubbub.kit.db.database import DatabaseUnavailable
from hubbub.kit.ids import new_id
from hubbub.kit.jobs.loop import Loop
from hubbub.kit.resources import Resources

_EVERY = 0.5
_PATIENCE = 1.0


@asynccontextmanager
async def open_activity(resources: Resources) -> AsyncIterator[None]:
    # the only process there is goes on where it was killed, whatever its lease
    alone = resources.settings.embedded
    holder = UUID(int=0) if alone else new_id()
    sealer = Sealer(resources.database, resources.metrics, holder)
    loop = Loop("activity.sealer", sealer.look, _EVERY)
    loop.start()
    try:
        yield
    finally:
        await loop.stop()
        if not alone:
            # in vain, the lease ends by itself
            with suppress(DatabaseUnavailable, TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await sealer.let_go()
