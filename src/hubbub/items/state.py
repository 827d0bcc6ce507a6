"""What the hub does for items while it runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hubbub.items.service.lapses import notice_lapses
from hubbub.kit.jobs.loop import Loop
from hubbub.kit.resources import Resources

_EVERY = 1.0


@asynccontextmanager
async def open_items(resources: Resources) -> AsyncIterator[None]:
    lapses = Loop("items.lapses", lambda: notice_lapses(resources.database), _EVERY)
    lapses.start()
    try:
        yield
    finally:
        await lapses.stop()
