"""A process that takes up one job and never ends it: `python -m tests.kit.jobs.doomed`."""

import asyncio
import sys

from hubbub.kit.jobs import JobContext, job
from hubbub.kit.jobs.broker.memory import MemoryJobBroker
from hubbub.kit.jobs.runner import Runner
from hubbub.kit.metrics import Metrics
from hubbub.lifespan import open_resources
from hubbub.settings import Settings
from tests.kit.jobs.helpers import Note

SAYS = b"begun\n"


@job("test.doomed")
async def doomed(context: JobContext, args: Note) -> None:
    del context, args
    sys.stdout.buffer.write(SAYS)
    sys.stdout.flush()
    await asyncio.Event().wait()


async def main() -> None:
    async with open_resources(Settings(), Metrics()) as resources:
        await Runner(resources, [doomed], MemoryJobBroker()).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
