"""What the hub keeps for messages while it runs: one for each process, on `app.state`."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hubbub.kit.db.database import Database
from hubbub.kit.db.dialect import is_retryable_in_driver
from hubbub.kit.jobs.loop import Loop
from hubbub.kit.resources import Resources
from hubbub.messages import queries
from hubbub.messages.dispatch import gauges
from hubbub.messages.dispatch.dispatcher import Dispatcher
from hubbub.messages.service import announcing
from hubbub.messages.service.epochs import name_history
from hubbub.messages.service.expiry import expire
from hubbub.messages.service.indexing import Indexer
from hubbub.messages.service.sending import Sending
from hubbub.messages.telling import Telling
from hubbub.messages.watch import Watch
from hubbub.messages.writer.draft import Deliveries, Stored
from hubbub.messages.writer.open import open_store
from hubbub.messages.writer.queue import Writer
from hubbub.messages.writer.steps import Limits

_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class MessageState:
    writer: Writer
    sending: Sending
    watch: Watch
    indexer: Indexer
    dispatcher: Dispatcher
    epoch: str


@asynccontextmanager
async def open_messages(resources: Resources) -> AsyncIterator[MessageState]:
    settings, database = resources.settings, resources.database
    watch = Watch(database, resources.bus, shared=settings.redis_url is not None)
    index = open_store(settings, database, durable=False)
    indexer = Indexer(database, index)

    def stored(batch: Sequence[Deliveries]) -> None:
        if any(isinstance(each, Stored) and each.draft.is_delivered_later for each in batch):
            later.ring()
        watch.stored(batch)
        indexer.stored(batch)
        pushed = [other for each in batch for other in each.pushed]
        if pushed:
            dispatcher.ring(pushed)

    writer = Writer(
        open_store(settings, database),
        Limits(settings.messages.max_hops, settings.messages.open_per_inbox),
        is_retryable=is_retryable_in_driver,
        stored=stored,
        turns=database.turns,
        queue_size=settings.messages.queue_size,
        batch_size=settings.messages.batch_size,
    )
    dispatcher = Dispatcher(resources, open_store(settings, database), writer)
    resources.metrics.writer_queue.set_function(lambda: writer.depth)

    async def deliver_later() -> None:
        while await _is_due(database) and await writer.fan_out():
            pass

    later = Loop("messages.fan_out", deliver_later, _EVERY)
    seen = Loop("messages.gauges", lambda: gauges.measure(resources), gauges.EVERY)
    expiry = Loop("messages.expiry", lambda: expire(database), _EVERY)
    announcer = Loop("messages.announce", lambda: announcing.say(resources, writer), 5 * _EVERY)
    database.listen(announcing.SIGNAL, announcer.ring)
    epoch = await _epoch(resources)
    telling = Telling(resources.bus)
    if settings.redis_url is not None:
        telling.start(database)
    watch.start()
    indexer.start()
    writer.start()
    later.start()
    expiry.start()
    dispatcher.start()
    seen.start()
    announcer.start()
    try:
        yield MessageState(writer, Sending(resources, writer), watch, indexer, dispatcher, epoch)
    finally:
        # before the writer, which stores the replies that come back
        await dispatcher.stop()
        await announcer.stop()
        await seen.stop()
        await expiry.stop()
        await later.stop()
        await writer.stop()
        await indexer.stop()
        await index.close()
        await watch.stop()
        await telling.stop()


async def _is_due(database: Database) -> bool:
    """Looks before anybody's turn at writing is taken: mostly there is nothing."""
    async with database.read() as session:
        return await queries.is_fan_out_due(session)


async def _epoch(resources: Resources) -> str:
    """This history's name, given on the first start of a database."""
    async with resources.database.write() as session:
        await name_history(session)
    async with resources.database.read() as session:
        return await queries.epoch_of(session)
