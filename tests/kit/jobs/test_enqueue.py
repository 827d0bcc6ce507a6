import asyncio

import pytest

from hubbub.kit.jobs import JobStatus, enqueue
from hubbub.kit.jobs.queue import SIGNAL
from hubbub.kit.jobs.waker import Waker
from hubbub.kit.resources import Resources
from tests.kit.jobs.helpers import (
    Blocking,
    Note,
    RecordingBroker,
    all_records,
    put,
    record_of,
    running,
)


class RefusalError(Exception):
    pass


async def test_a_job_is_stored_with_the_transaction(resources: Resources) -> None:
    rings: list[int] = []
    resources.database.listen(SIGNAL, lambda: rings.append(1))
    work = Blocking()
    job_id = await put(resources, work.job, "hello", key="one")
    record = await record_of(resources, job_id)
    assert (record.name, record.key, record.args) == (
        "test.blocking",
        "test.blocking:one",
        {"text": "hello"},
    )
    assert (record.status, record.attempts, record.max_attempts) == (JobStatus.QUEUED, 0, 3)
    assert record.created_at == record.run_at
    assert rings == [1]


async def test_a_transaction_that_fails_enqueues_nothing(resources: Resources) -> None:
    rings: list[int] = []
    resources.database.listen(SIGNAL, lambda: rings.append(1))

    async def enqueue_and_fail() -> None:
        async with resources.database.write() as session:
            await enqueue(session, Blocking().job, Note())
            raise RefusalError

    with pytest.raises(RefusalError):
        await enqueue_and_fail()
    assert not await all_records(resources)
    assert not rings


async def test_parallel_calls_with_one_key_make_one_job(resources: Resources) -> None:
    work = Blocking()
    ids = await asyncio.gather(*(put(resources, work.job, str(n), key="k") for n in range(16)))
    assert len(set(ids)) == 1
    assert [record.id for record in await all_records(resources)] == [ids[0]]


async def test_a_repeated_key_changes_nothing(resources: Resources) -> None:
    work = Blocking()
    first = await put(resources, work.job, "first", key="k")
    assert await put(resources, work.job, "second", key="k", delay=60) == first
    record = await record_of(resources, first)
    assert record.args == {"text": "first"}
    assert record.run_at == record.created_at


async def test_a_key_belongs_to_its_job(resources: Resources) -> None:
    one, other = Blocking("test.one"), Blocking("test.other")
    assert await put(resources, one.job, key="k") != await put(resources, other.job, key="k")


async def test_jobs_without_a_key_are_all_different(resources: Resources) -> None:
    work = Blocking()
    assert await put(resources, work.job) != await put(resources, work.job)


async def test_a_delayed_job_waits(resources: Resources) -> None:
    work = Blocking()
    job_id = await put(resources, work.job, delay=60)
    record = await record_of(resources, job_id)
    assert 59 < (record.run_at - record.created_at).total_seconds() < 61
    async with running(resources, work.job) as runner:
        await runner.run(job_id)
        await runner.look()
    assert (await record_of(resources, job_id)).status == JobStatus.QUEUED


async def test_enqueueing_wakes_each_job_once(resources: Resources) -> None:
    broker = RecordingBroker()
    waker = Waker(resources, broker)
    resources.database.listen(SIGNAL, waker.ring)
    waker.start()
    work = Blocking()
    first = await put(resources, work.job)
    await broker.has_woken(first)
    second = await put(resources, work.job)
    await broker.has_woken(second)
    await waker.stop()
    assert broker.woken == [first, second]
