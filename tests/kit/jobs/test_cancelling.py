"""Jobs that are told to end, before they begin or while they run."""

import asyncio
from contextlib import suppress

from hubbub.kit.db.dialect import db_now
from hubbub.kit.jobs import JobContext, JobStatus, ask_to_cancel, claims, job
from hubbub.kit.resources import Resources
from tests.kit.jobs.helpers import (
    PATIENCE,
    Blocking,
    Note,
    RecordingBroker,
    begin,
    by_hand,
    change,
    counted,
    has_status,
    let_lease_lapse,
    put,
    record_of,
    running,
    until,
)


async def test_one_that_waits_never_runs(resources: Resources) -> None:
    work = Blocking()
    work.may_end.set()
    job_id = await put(resources, work.job)
    async with resources.database.write() as session:
        assert await ask_to_cancel(session, job_id) is not None
    async with by_hand(resources, work.job) as runner:
        await runner.run(job_id)
        await runner.look()
    record = await record_of(resources, job_id)
    assert (record.status, work.runs) == (JobStatus.CANCELLED, 0)
    assert record.finished_at is not None


async def test_one_that_runs_is_stopped_and_not_tried_again(resources: Resources) -> None:
    work = Blocking()
    job_id = await put(resources, work.job)
    async with running(resources, work.job, broker=RecordingBroker()) as runner:
        await begin(runner, work)
        # behind the back of this process, as another one would
        await change(resources, job_id, cancel_at=db_now())
        async with asyncio.timeout(PATIENCE):
            await work.cancelled.wait()
        await until(lambda: has_status(resources, job_id, JobStatus.CANCELLED))
    record = await record_of(resources, job_id)
    assert (record.attempts, record.error, record.lease_until) == (1, None, None)
    assert counted(resources, work.job, "cancelled") == 1


async def test_it_is_stopped_at_once_where_it_was_asked_for(resources: Resources) -> None:
    work = Blocking()
    job_id = await put(resources, work.job)
    async with running(resources, work.job, broker=RecordingBroker()) as runner:
        await begin(runner, work)
        async with resources.database.write() as session:
            await ask_to_cancel(session, job_id)
        await until(lambda: has_status(resources, job_id, JobStatus.CANCELLED))
    assert work.cancelled.is_set()


async def test_what_comes_to_its_end_all_the_same_is_done(resources: Resources) -> None:
    begun = asyncio.Event()

    @job("test.stubborn")
    async def stubborn(context: JobContext, args: Note) -> None:
        begun.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    job_id = await put(resources, stubborn)
    async with running(resources, stubborn):
        async with asyncio.timeout(PATIENCE):
            await begun.wait()
        async with resources.database.write() as session:
            await ask_to_cancel(session, job_id)
        await until(lambda: has_status(resources, job_id, JobStatus.DONE))


async def test_a_failure_after_the_wish_is_no_reason_to_try_again(resources: Resources) -> None:
    may_fail = asyncio.Event()

    @job("test.failing")
    async def failing(context: JobContext, args: Note) -> None:
        await may_fail.wait()
        raise ValueError

    job_id = await put(resources, failing)
    async with by_hand(resources, failing) as runner:  # which looks for no wishes
        run = asyncio.create_task(runner.run(job_id))
        await until(lambda: has_status(resources, job_id, JobStatus.RUNNING))
        async with resources.database.write() as session:
            await ask_to_cancel(session, job_id)
        may_fail.set()
        await run
    record = await record_of(resources, job_id)
    assert (record.status, record.error) == (JobStatus.CANCELLED, "ValueError")
    assert record.finished_at is not None


async def test_one_whose_runner_died_is_not_begun_again(resources: Resources) -> None:
    work = Blocking()
    work.may_end.set()
    job_id = await put(resources, work.job)
    async with resources.database.write() as session:
        assert await claims.claim_one(session, job_id, [work.job.name], lease=60)
        await ask_to_cancel(session, job_id)
    await let_lease_lapse(resources, job_id)
    async with by_hand(resources, work.job) as runner:
        await runner.run(job_id)
    assert work.runs == 0
    assert await has_status(resources, job_id, JobStatus.CANCELLED)


async def test_a_runner_that_stops_leaves_nothing_to_take_up(resources: Resources) -> None:
    work = Blocking()
    job_id = await put(resources, work.job)
    async with by_hand(resources, work.job) as runner:
        run = asyncio.create_task(runner.run(job_id))
        async with asyncio.timeout(PATIENCE):
            await work.begun.wait()
        async with resources.database.write() as session:
            await ask_to_cancel(session, job_id)
        await runner.stop(grace=0)
        await run
    assert await has_status(resources, job_id, JobStatus.CANCELLED)


async def test_what_has_ended_is_left_alone(resources: Resources) -> None:
    work = Blocking()
    work.may_end.set()
    job_id = await put(resources, work.job)
    async with by_hand(resources, work.job) as runner:
        await runner.run(job_id)
    async with resources.database.write() as session:
        assert await ask_to_cancel(session, job_id) is None
    assert await has_status(resources, job_id, JobStatus.DONE)
