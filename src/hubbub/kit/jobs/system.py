"""All parts of the jobs of one process, put together and taken apart in order."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from hubbub.kit import outbox
from hubbub.kit.jobs import queue
from hubbub.kit.jobs.broker import JobBroker
from hubbub.kit.jobs.broker.memory import MemoryJobBroker
from hubbub.kit.jobs.declare import Job
from hubbub.kit.jobs.relay import Relay
from hubbub.kit.jobs.runner import Runner
from hubbub.kit.jobs.waker import Waker
from hubbub.kit.resources import Resources
from hubbub.settings import Settings


def job_broker(settings: Settings) -> JobBroker:
    if settings.redis_url is None:
        return MemoryJobBroker()
    from hubbub.kit.jobs.broker.redis import RedisJobBroker

    return RedisJobBroker(str(settings.redis_url), concurrency=settings.jobs.concurrency)


@asynccontextmanager
async def open_jobs(
    resources: Resources,
    jobs: Sequence[Job[Any]],
    *,
    runs: bool,
    grace: float = 5.0,
) -> AsyncIterator[None]:
    """Relays events and wakes workers; with `runs` this process is a worker itself."""
    settings, database = resources.settings, resources.database
    broker = job_broker(settings)
    relay = Relay(resources, jobs, broker)
    waker = Waker(resources, broker)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(broker.stop)
        if runs:
            runner = Runner(resources, jobs, broker)
            if settings.embedded:
                await runner.recover()
            await runner.start()
            stack.push_async_callback(runner.stop, grace)
        for part in (relay, waker):
            part.start()
            stack.push_async_callback(part.stop)
        database.listen(outbox.SIGNAL, relay.ring)
        database.listen(queue.SIGNAL, waker.ring)
        yield
