import asyncio
from datetime import timedelta

from sqlalchemy import insert

from hubbub.kit.db.dialect import db_now
from hubbub.kit.jobs import JobContext, JobRecord, JobStatus, NoArgs, job
from hubbub.kit.jobs.prune import prune
from hubbub.kit.jobs.queue import new_row
from hubbub.kit.jobs.runner import Runner
from hubbub.kit.jobs.schedule import Schedule
from hubbub.kit.resources import Resources
from tests.kit.jobs.helpers import (
    RecordingBroker,
    all_records,
    has_status,
    running,
    until,
    with_jobs,
)

runs: list[int] = []


@job("test.daily", every=timedelta(days=1))
async def daily(context: JobContext, _: NoArgs) -> None:
    runs.append(context.attempt)


async def test_a_schedule_fires_once_among_many(resources: Resources) -> None:
    runs.clear()
    quick = with_jobs(resources, poll_seconds=0.05)
    runners = [Runner(quick, [daily], RecordingBroker()) for _ in range(4)]
    for runner in runners:
        await runner.start()
    await until(_has_run)
    # none makes another, whoever comes first or last
    await asyncio.gather(*(Schedule(quick.database, [daily]).look() for _ in range(4)))
    for runner in runners:
        await runner.stop()
    records = await all_records(resources)
    assert {record.status for record in records} == {JobStatus.DONE}
    # two, should midnight pass meanwhile
    assert len(runs) == len(records) == len({record.key for record in records})
    assert len(records) in {1, 2}


async def test_each_slot_fires_and_only_the_present_one(resources: Resources) -> None:
    @job("test.quick", every=timedelta(seconds=1))
    async def quick(context: JobContext, _: NoArgs) -> None:
        del context

    schedule = Schedule(resources.database, [quick])

    async def has_fired(times: int) -> bool:
        await schedule.look()
        return len(await all_records(resources)) >= times

    await schedule.look()
    first = (await all_records(resources))[0].key
    await until(lambda: has_fired(2))
    keys = [record.key for record in await all_records(resources)]
    assert len(set(keys)) == len(keys)
    assert first is not None
    assert first.startswith("test.quick@")


async def test_a_process_tries_a_slot_once(resources: Resources) -> None:
    schedule = Schedule(resources.database, [daily])
    rings: list[int] = []
    resources.database.listen("jobs", lambda: rings.append(1))
    for _ in range(3):
        await schedule.look()
    assert len(rings) in {1, 2}


async def test_the_runner_keeps_the_schedule(resources: Resources) -> None:
    runs.clear()
    quick = with_jobs(resources, poll_seconds=0.05)
    async with running(quick, daily, broker=RecordingBroker()):
        await until(_has_run)


async def _has_run() -> bool:
    return bool(runs)


async def test_old_jobs_are_pruned_and_others_kept(resources: Resources) -> None:
    week = 86400.0 * resources.settings.jobs.keep_days
    old = {"run_at": db_now(-week - 20), "finished_at": db_now(-week - 10)}
    rows = [new_row(daily, {}, f"old-{n}") | {"status": JobStatus.DONE} | old for n in range(1203)]
    kept = [
        new_row(daily, {}, "fresh")
        | {"status": JobStatus.DONE}
        | {"run_at": db_now(-week - 20), "finished_at": db_now(-week + 60)},
        new_row(daily, {}, "waiting") | {"run_at": db_now(-week - 20)},
    ]
    failed = new_row(daily, {}, "failed") | {"status": JobStatus.FAILED, "error": "E"} | old
    async with resources.database.write() as session:
        for row in (*rows, *kept, failed):
            await session.execute(insert(JobRecord).values(row))
    context = JobContext(resources, rows[0]["id"], 1)
    await prune(context, NoArgs())
    assert {record.key for record in await all_records(resources)} == {"fresh", "waiting"}


async def test_pruning_is_itself_a_job(resources: Resources) -> None:
    async with running(resources, prune) as runner:
        await Schedule(resources.database, [prune]).look()
        (record,) = (await all_records(resources))[:1]
        await runner.run(record.id)
        await until(lambda: has_status(resources, record.id, JobStatus.DONE))
