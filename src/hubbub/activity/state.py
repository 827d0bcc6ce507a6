"""What each process does for the record while it runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from hubbub.activity.service.sealing import Sealer
from hubbub.kit.db.database import DatabaseUnavailable
from hubbub.kit.ids import new_id
from hubbub.kit.jobs.loop import Loop
from hubbub.kit.resources import Resources

_EVERY = 0.5


@asynccontextmanager
async def open_activity(resources: Resources) -> AsyncIterator[None]:
    sealer = Sealer(resources.database, resources.metrics, new_id())
    loop = Loop("activity.sealer", sealer.look, _EVERY)
    loop.start()
    try:
        yield
    finally:
        await loop.stop()
        with suppress(DatabaseUnavailable):  # then the lease ends by itself
            await sealer.let_go()
