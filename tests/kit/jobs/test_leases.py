"""What happens when a runner dies, stalls or is told to stop."""

import asyncio

from hubbub.kit.jobs import JobStatus, claims
from hubbub.kit.jobs.runner import Runner
from hubbub.kit.resources import Resources
from tests.kit.jobs.helpers import (
    PATIENCE,
    Blocking,
    RecordingBroker,
    begin,
    change,
    counted,
    has_status,
    let_lease_lapse,
    put,
    record_of,
    running,
    until,
    with_jobs,
)


async def test_a_job_whose_runner_died_is_taken_up_again(resources: Resources) -> None:
    work = Blocking()
    work.may_end.set()
    job_id = await put(resources, work.job)
    async with resources.database.write() as session:
        assert await claims.claim_one(session, job_id, [work.job.name], lease=60)
    async with running(resources, work.job) as runner:
        await runner.look()
        await runner.run(job_id)
        assert work.runs == 0
        await let_lease_lapse(resources, job_id)
        runner.ring()
        await until(lambda: has_status(resources, job_id, JobStatus.DONE))
    record = await record_of(resources, job_id)
    assert (work.runs, record.attempts, record.fence) == (1, 2, 2)


async def test_recovery_takes_up_at_once_what_ran(resources: Resources) -> None:
    work = Blocking()
    work.may_end.set()
    job_id = await put(resources, work.job)
    async with resources.database.write() as session:
        await claims.claim_one(session, job_id, [work.job.name], lease=3600)
    async with running(resources, work.job) as runner:
        await runner.recover()
        await runner.run(job_id)
    assert await has_status(resources, job_id, JobStatus.DONE)


async def test_a_job_that_kills_its_runners_is_given_up(resources: Resources) -> None:
    work = Blocking(max_attempts=2)
    work.may_end.set()
    job_id = await put(resources, work.job)
    for _ in range(2):
        async with resources.database.write() as session:
            assert await claims.claim_one(session, job_id, [work.job.name], lease=60)
        await let_lease_lapse(resources, job_id)
    async with running(resources, work.job) as runner:
        await runner.run(job_id)
    record = await record_of(resources, job_id)
    assert (record.status, record.error, work.runs) == (JobStatus.FAILED, "AbandonedError", 0)


async def test_the_lease_is_renewed_while_the_job_runs(resources: Resources) -> None:
    quick = with_jobs(resources, lease_seconds=0.3)
    work = Blocking()
    job_id = await put(quick, work.job)
    async with running(quick, work.job) as runner:
        await begin(runner, work)
        first = (await record_of(quick, job_id)).lease_until

        async def renewed() -> bool:
            lease = (await record_of(quick, job_id)).lease_until
            return first is not None and lease is not None and lease > first

        await until(renewed)
        work.may_end.set()
        await until(lambda: has_status(quick, job_id, JobStatus.DONE))
    assert work.runs == 1


async def test_a_runner_that_lost_its_job_stops_and_records_nothing(resources: Resources) -> None:
    quick = with_jobs(resources, lease_seconds=0.3)
    work = Blocking()
    job_id = await put(quick, work.job)
    async with running(quick, work.job) as runner:
        await begin(runner, work)
        await change(quick, job_id, fence=7)
        async with asyncio.timeout(PATIENCE):
            await work.cancelled.wait()
        await until(lambda: _counted_lost(quick, work))
    record = await record_of(quick, job_id)
    assert (record.status, record.fence) == (JobStatus.RUNNING, 7)


async def test_a_late_end_is_not_recorded(resources: Resources) -> None:
    work = Blocking()
    job_id = await put(resources, work.job)
    async with running(resources, work.job) as runner:
        await begin(runner, work)
        await change(resources, job_id, fence=7)
        work.may_end.set()
        await until(lambda: _counted_lost(resources, work))
    record = await record_of(resources, job_id)
    assert (record.status, record.finished_at) == (JobStatus.RUNNING, None)
    assert counted(resources, work.job, "done") == 0


async def _counted_lost(resources: Resources, work: Blocking) -> bool:
    return counted(resources, work.job, "lost") == 1


async def test_a_holder_of_an_old_fence_can_change_nothing(resources: Resources) -> None:
    work = Blocking()
    job_id = await put(resources, work.job)
    names = [work.job.name]
    async with resources.database.write() as session:
        old = await claims.claim_one(session, job_id, names, lease=60)
    await let_lease_lapse(resources, job_id)
    async with resources.database.write() as session:
        new = await claims.claim_one(session, job_id, names, lease=60)
    assert old is not None
    assert new is not None
    async with resources.database.write() as session:
        assert not await claims.renew(session, old, lease=60)
        assert not await claims.finish(session, old)
        assert not await claims.fail(session, old, "E")
        assert not await claims.retry(session, old, "E")
        assert not await claims.give_back(session, old)
        assert await claims.renew(session, new, lease=60)
        assert await claims.finish(session, new)
        assert not await claims.finish(session, new)


async def test_stopping_lets_running_jobs_end(resources: Resources) -> None:
    work = Blocking()
    job_id = await put(resources, work.job)
    runner = Runner(resources, [work.job], RecordingBroker())
    await runner.start()
    await begin(runner, work)
    stopping = asyncio.create_task(runner.stop(PATIENCE))
    waiting = await put(resources, work.job)
    await runner.run(waiting)
    work.may_end.set()
    await stopping
    assert await has_status(resources, job_id, JobStatus.DONE)
    assert await has_status(resources, waiting, JobStatus.QUEUED)


async def test_a_job_that_is_stopped_goes_back_without_losing_an_attempt(
    resources: Resources,
) -> None:
    one = with_jobs(resources, concurrency=1)
    work = Blocking(max_attempts=1)
    job_id, behind = await put(one, work.job), await put(one, work.job)
    async with running(one, work.job, grace=0) as runner:
        await begin(runner, work)
        waiting = asyncio.create_task(runner.run(behind))
    await asyncio.wait([waiting])
    assert work.cancelled.is_set()
    for each in (job_id, behind):
        record = await record_of(one, each)
        assert (record.status, record.attempts) == (JobStatus.QUEUED, 0)
        assert record.lease_until is None
    work.may_end.set()
    async with running(one, work.job) as runner:
        await runner.run(job_id)
    assert await has_status(one, job_id, JobStatus.DONE)
