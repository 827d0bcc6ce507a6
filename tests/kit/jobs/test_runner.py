import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from structlog.testing import capture_logs

from hubbub.kit.db.database import Database, DatabaseUnavailable
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.ids import new_id
from hubbub.kit.jobs import GiveUp, JobContext, JobStatus, enqueue, job
from hubbub.kit.jobs.claims import retry_after
from hubbub.kit.jobs.runner import Runner
from hubbub.kit.resources import Resources
from tests.kit.jobs.helpers import (
    PATIENCE,
    Blocking,
    Note,
    RecordingBroker,
    all_records,
    by_hand,
    counted,
    has_status,
    make_due,
    put,
    record_of,
    running,
    until,
    with_jobs,
)


class OutOfPaperError(Exception):
    pass


async def test_a_job_runs_and_is_done(resources: Resources) -> None:
    seen: list[tuple[str, int]] = []

    @job("test.note")
    async def note(context: JobContext, args: Note) -> None:
        assert context.resources is resources
        seen.append((args.text, context.attempt))

    job_id = await put(resources, note, "hello")
    async with by_hand(resources, note) as runner:
        await runner.run(job_id)
        await runner.run(job_id)
    record = await record_of(resources, job_id)
    assert seen == [("hello", 1)]
    assert (record.status, record.attempts, record.lease_until) == (JobStatus.DONE, 1, None)
    assert record.started_at is not None
    assert record.finished_at is not None
    assert counted(resources, note, "done") == 1


async def test_a_handler_may_open_sessions_of_its_own(resources: Resources) -> None:
    follower = Blocking("test.follower")

    @job("test.leader")
    async def leader(context: JobContext, args: Note) -> None:
        async with context.resources.database.write() as session:
            await enqueue(session, follower.job, args)

    job_id = await put(resources, leader)
    async with by_hand(resources, leader) as runner:
        await runner.run(job_id)
    assert [record.name for record in await all_records(resources)] == [
        "test.leader",
        "test.follower",
    ]


async def test_a_failing_job_is_tried_again_later_and_then_given_up(resources: Resources) -> None:
    attempts: list[int] = []

    @job("test.printer", max_attempts=3)
    async def printer(context: JobContext, args: Note) -> None:
        attempts.append(context.attempt)
        raise OutOfPaperError(args.text)

    job_id = await put(resources, printer, "a secret")
    with capture_logs() as logs:
        async with by_hand(resources, printer) as runner:
            for attempt in (1, 2):
                await runner.run(job_id)
                record = await record_of(resources, job_id)
                assert (record.status, record.attempts) == (JobStatus.QUEUED, attempt)
                assert record.started_at is not None
                assert record.run_at > record.started_at
                await runner.run(job_id)  # not due, so nothing happens
                assert len(attempts) == attempt
                await make_due(resources, job_id)
            await runner.run(job_id)
    record = await record_of(resources, job_id)
    assert attempts == [1, 2, 3]
    assert (record.status, record.error) == (JobStatus.FAILED, "OutOfPaperError")
    assert record.finished_at is not None
    assert [entry["event"] for entry in logs] == ["job.retried", "job.retried", "job.failed"]
    assert all(isinstance(entry["exc_info"], OutOfPaperError) for entry in logs)
    assert counted(resources, printer, "retried") == 2
    assert counted(resources, printer, "failed") == 1


async def test_a_job_that_gives_up_is_not_tried_again(resources: Resources) -> None:
    @job("test.shredded")
    async def shredded(context: JobContext, args: Note) -> None:
        del context, args
        raise GiveUp from OutOfPaperError("a secret")

    job_id = await put(resources, shredded)
    with capture_logs() as logs:
        async with by_hand(resources, shredded) as runner:
            await runner.run(job_id)
    record = await record_of(resources, job_id)
    assert (record.status, record.attempts) == (JobStatus.FAILED, 1)
    assert record.error == "OutOfPaperError"
    assert [(entry["event"], entry["error"]) for entry in logs] == [
        ("job.failed", "OutOfPaperError")
    ]
    assert counted(resources, shredded, "failed") == 1


async def test_a_job_that_succeeds_at_last_has_no_error(resources: Resources) -> None:
    @job("test.second_time")
    async def second_time(context: JobContext, args: Note) -> None:
        del args
        if context.attempt == 1:
            raise OutOfPaperError

    job_id = await put(resources, second_time)
    async with by_hand(resources, second_time) as runner:
        await runner.run(job_id)
        assert (await record_of(resources, job_id)).error == "OutOfPaperError"
        await make_due(resources, job_id)
        await runner.run(job_id)
    record = await record_of(resources, job_id)
    assert (record.status, record.error) == (JobStatus.DONE, None)


async def test_what_a_handler_waited_for_being_cancelled_is_a_failure(
    resources: Resources,
) -> None:
    @job("test.awaiting_cancelled")
    async def awaiting(context: JobContext, args: Note) -> None:
        del context, args
        raise asyncio.CancelledError

    job_id = await put(resources, awaiting)
    async with by_hand(resources, awaiting) as runner:
        await runner.run(job_id)
    record = await record_of(resources, job_id)
    assert (record.status, record.error) == (JobStatus.QUEUED, "CancelledError")
    assert record.attempts == 1


def test_retries_come_further_and_further_apart() -> None:
    for attempt, least, most in ((1, 3.7, 6.3), (2, 7.5, 12.5), (4, 30, 50), (40, 2700, 4500)):
        waits = [retry_after(attempt) for _ in range(50)]
        assert least <= min(waits) < max(waits) <= most


async def test_a_job_that_this_process_does_not_know_is_left_alone(resources: Resources) -> None:
    newer, known = Blocking("test.from_later"), Blocking("test.known")
    known.may_end.set()
    job_id = await put(resources, newer.job)
    other = await put(resources, known.job)
    async with running(resources, known.job) as runner:
        await runner.run(job_id)
        await runner.look()
        await until(lambda: has_status(resources, other, JobStatus.DONE))
    record = await record_of(resources, job_id)
    assert (record.status, record.attempts) == (JobStatus.QUEUED, 0)


async def test_an_unknown_id_is_nothing(resources: Resources) -> None:
    async with by_hand(resources, Blocking().job) as runner:
        await runner.run(new_id())


async def test_due_jobs_are_found_without_being_woken(resources: Resources) -> None:
    quick = with_jobs(resources, poll_seconds=0.05)
    work = Blocking()
    work.may_end.set()
    async with running(quick, work.job, broker=RecordingBroker()):
        job_id = await put(quick, work.job)
        await until(lambda: has_status(quick, job_id, JobStatus.DONE))


async def test_no_more_run_at_once_than_allowed_and_none_is_forgotten(
    resources: Resources,
) -> None:
    calm = with_jobs(resources, concurrency=3, poll_seconds=60)
    work = Blocking()
    ids = [await put(calm, work.job) for _ in range(20)]
    async with running(calm, work.job) as runner:
        runner.ring()
        woken = [asyncio.create_task(runner.run(job_id)) for job_id in ids[15:]]
        await until(lambda: _is(work, now=3))
        work.may_end.set()
        await until(lambda: _all_done(calm))
        await asyncio.wait(woken)
    assert work.most == 3
    assert work.runs == 20


@pytest.mark.parametrize("woken", [False, True])
async def test_long_jobs_leave_room_for_others(resources: Resources, *, woken: bool) -> None:
    calm = with_jobs(resources, concurrency=4, poll_seconds=60)
    long, quick = Blocking("test.long", at_once=2), Blocking("test.quick")
    quick.may_end.set()
    ids = [await put(calm, long.job) for _ in range(8)]
    async with running(calm, long.job, quick.job, broker=RecordingBroker()) as runner:
        if woken:
            async with asyncio.timeout(PATIENCE):
                calls = [asyncio.create_task(runner.run(job_id)) for job_id in ids]
                await asyncio.wait(calls[2:])
        else:
            runner.ring()
        await until(lambda: _is(long, now=2))
        job_id = await put(calm, quick.job)
        runner.ring()
        await until(lambda: has_status(calm, job_id, JobStatus.DONE))
        assert long.now == 2
        long.may_end.set()
        await until(lambda: _all_done(calm))
    assert (long.most, long.runs) == (2, 8)


async def test_however_few_may_run_one_place_is_left_for_others(resources: Resources) -> None:
    calm = with_jobs(resources, concurrency=2, poll_seconds=60)
    long, quick = Blocking("test.long", at_once=5), Blocking("test.quick")
    quick.may_end.set()
    for _ in range(3):
        await put(calm, long.job)
    job_id = await put(calm, quick.job)
    async with running(calm, long.job, quick.job, broker=RecordingBroker()) as runner:
        runner.ring()
        await until(lambda: has_status(calm, job_id, JobStatus.DONE))
        long.may_end.set()
        await until(lambda: _all_done(calm))
    assert long.most == 1


async def _is(work: Blocking, *, now: int) -> bool:
    return work.now == now


async def _all_done(resources: Resources) -> bool:
    return all(record.status == JobStatus.DONE for record in await all_records(resources))


async def test_one_job_and_many_runners_make_one_run(resources: Resources) -> None:
    work = Blocking()
    work.may_end.set()
    ids = [await put(resources, work.job) for _ in range(10)]
    runners = [Runner(resources, [work.job], RecordingBroker()) for _ in range(4)]
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(
            *(runner.run(job_id) for runner in runners for job_id in ids),
            *(runner.look() for runner in runners),
        )
        for runner in runners:
            await runner.stop()
    assert work.runs == 10
    assert await _all_done(resources)


async def test_whoever_woke_a_job_may_go_away(resources: Resources) -> None:
    work = Blocking()
    job_id = await put(resources, work.job)
    async with running(resources, work.job) as runner:
        waker = asyncio.create_task(runner.run(job_id))
        async with asyncio.timeout(PATIENCE):
            await work.begun.wait()
        waker.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waker
        work.may_end.set()
        await until(lambda: has_status(resources, job_id, JobStatus.DONE))


async def test_a_claim_that_is_not_committed_takes_no_room(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = with_jobs(resources, concurrency=1, poll_seconds=60)
    work = Blocking()
    work.may_end.set()
    job_id = await put(one, work.job)
    async with running(one, work.job, broker=RecordingBroker()) as runner:
        await until(lambda: has_status(one, job_id, JobStatus.DONE))
        job_id = await put(one, work.job)
        with monkeypatch.context() as broken:
            broken.setattr(one.database, "write", _never_committing(one.database))
            with pytest.raises(DatabaseUnavailable):
                await runner.look()
            with capture_logs() as logs:
                await runner.run(job_id)
        assert [entry["event"] for entry in logs] == ["job.unrecorded"]
        assert work.runs == 1
        async with asyncio.timeout(PATIENCE):
            await runner.run(job_id)
    assert work.runs == 2


def _never_committing(
    database: Database,
) -> Callable[[], AbstractAsyncContextManager[AsyncWriteSession]]:
    write = database.write

    @asynccontextmanager
    async def fail_at_the_end() -> AsyncIterator[AsyncWriteSession]:
        async with write() as session:
            yield session
            raise DatabaseUnavailable

    return fail_at_the_end


async def test_names_are_unique(resources: Resources) -> None:
    with pytest.raises(ValueError, match="same name"):
        Runner(resources, [Blocking().job, Blocking().job], RecordingBroker())
