import asyncio
from collections import Counter

from sqlalchemy import func, insert, select, update
from structlog.testing import capture_logs

from hubbub.kit.db.dialect import db_now
from hubbub.kit.jobs import Job, JobContext, JobStatus, job
from hubbub.kit.jobs.relay import Relay
from hubbub.kit.outbox import SIGNAL, Event, OutboxEvent, emit
from hubbub.kit.resources import Resources
from tests.kit.jobs.helpers import RecordingBroker, all_records, counted, running, until, with_jobs


class Opened(Event):
    topic = "test.opened"
    number: int


class Closed(Event):
    topic = "test.closed"
    number: int


class StricterOpened(Event):
    """What another version of the hub takes `test.opened` to be."""

    topic = "test.opened"
    number: int
    colour: str


async def ignore(context: JobContext, args: Event) -> None:
    del context, args


on_opened: Job[Opened] = job("test.first", on=Opened)(ignore)
also_on_opened: Job[Opened] = job("test.second", on=Opened)(ignore)
on_closed: Job[Closed] = job("test.third", on=Closed)(ignore)
JOBS = (on_opened, also_on_opened, on_closed)


async def emit_all(resources: Resources, *events: Event) -> None:
    async with resources.database.write() as session:
        for event in events:
            emit(session, event)


async def left_over(resources: Resources) -> int:
    async with resources.database.read() as session:
        return await session.scalar(select(func.count()).select_from(OutboxEvent)) or 0


async def test_each_subscriber_gets_a_job(resources: Resources) -> None:
    broker = RecordingBroker()
    await emit_all(resources, Opened(number=1), Closed(number=2))
    assert await Relay(resources, JOBS, broker).pass_on() == 2
    records = await all_records(resources)
    assert {(record.name, record.args["number"]) for record in records} == {
        ("test.first", 1),
        ("test.second", 1),
        ("test.third", 2),
    }
    assert set(broker.woken) == {record.id for record in records}
    assert await left_over(resources) == 0


async def test_the_bus_hears_of_each_event(resources: Resources) -> None:
    heard: list[str] = []
    done = asyncio.Event()

    def listen(message: str) -> None:
        heard.append(message)
        if len(heard) == 2:
            done.set()

    resources.bus.subscribe("test.opened", listen)
    await resources.bus.settled()
    await emit_all(resources, Opened(number=1), Opened(number=2))
    await Relay(resources, (), RecordingBroker()).drain()
    async with asyncio.timeout(5):
        await done.wait()
    assert heard == ['{"number":1}', '{"number":2}']


async def test_relays_in_parallel_make_one_job_of_each_event(resources: Resources) -> None:
    count = 250
    await emit_all(resources, *(Closed(number=number) for number in range(count)))
    relays = [Relay(resources, JOBS, RecordingBroker()) for _ in range(4)]
    async with asyncio.timeout(30):
        while await left_over(resources):
            await asyncio.gather(*(relay.drain() for relay in relays))
    numbers = Counter(record.args["number"] for record in await all_records(resources))
    assert numbers == dict.fromkeys(range(count), 1)


async def test_a_commit_rings_the_relay(resources: Resources) -> None:
    calm = with_jobs(resources, poll_seconds=60)
    relay = Relay(calm, JOBS, RecordingBroker())
    relay.start()
    calm.database.listen(SIGNAL, relay.ring)
    await emit_all(calm, Closed(number=1))

    async def relayed() -> bool:
        return len(await all_records(calm)) == 1

    await until(relayed)
    await relay.stop()


async def test_events_are_found_without_a_ring(resources: Resources) -> None:
    quick = with_jobs(resources, poll_seconds=0.05)
    relay = Relay(quick, JOBS, RecordingBroker())
    relay.start()
    await emit_all(quick, Closed(number=1))

    async def relayed() -> bool:
        return len(await all_records(quick)) == 1

    await until(relayed)
    await relay.stop()


async def test_an_unknown_event_waits_for_a_newer_hub_and_is_then_dropped_aloud(
    resources: Resources,
) -> None:
    async with resources.database.write() as session:
        await session.execute(insert(OutboxEvent).values(topic="test.from_later", payload={}))
    await emit_all(resources, Closed(number=1))
    relay = Relay(resources, JOBS, RecordingBroker())
    await relay.drain()
    assert await left_over(resources) == 1
    assert len(await all_records(resources)) == 1

    async with resources.database.write() as session:
        await session.execute(update(OutboxEvent).values(created_at=db_now(-4000)))
    with capture_logs() as logs:
        await relay.drain()
    assert await left_over(resources) == 0
    assert [(entry["event"], entry["topic"]) for entry in logs] == [
        ("outbox.unknown_topic", "test.from_later")
    ]


async def test_a_subscriber_that_cannot_read_an_event_blocks_nobody(resources: Resources) -> None:
    seen: list[int] = []

    @job("test.readable", on=Opened)
    async def readable(context: JobContext, args: Opened) -> None:
        del context
        seen.append(args.number)

    strict: Job[StricterOpened] = job("test.strict", on=StricterOpened, max_attempts=1)(ignore)
    await emit_all(resources, Opened(number=1), Opened(number=2))
    jobs = (strict, readable)
    await Relay(resources, jobs, RecordingBroker()).drain()
    with capture_logs() as logs:
        async with running(resources, *jobs) as runner:
            await runner.look()
            await until(lambda: _all_ended(resources))
    assert sorted(seen) == [1, 2]
    failed = [record for record in await all_records(resources) if record.error]
    assert [(record.name, record.status, record.error) for record in failed] == [
        ("test.strict", JobStatus.FAILED, "InvalidArgsError")
    ] * 2
    assert [entry["event"] for entry in logs] == ["job.failed"] * 2
    assert counted(resources, strict, "failed") == 2


async def _all_ended(resources: Resources) -> bool:
    return all(record.finished_at for record in await all_records(resources))
