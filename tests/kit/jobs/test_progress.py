"""How far a job has come stands in its row."""

import asyncio

from hubbub.kit.jobs import JobContext, JobStatus, job
from hubbub.kit.jobs.progress import MOVED
from hubbub.kit.resources import Resources
from tests.kit.jobs.helpers import (
    Note,
    by_hand,
    has_status,
    make_due,
    put,
    record_of,
    running,
    until,
)


async def test_it_is_written_while_the_job_runs_and_at_its_end(
    resources: Resources, statements: list[str]
) -> None:
    may_end = asyncio.Event()

    @job("test.counting")
    async def counting(context: JobContext, args: Note) -> None:
        context.tell("counting", 10, "one of ten")
        await may_end.wait()
        for percent in range(11, 101):
            context.tell("counting", percent)
            await asyncio.sleep(0)

    moved: list[str] = []
    resources.bus.subscribe(MOVED, moved.append)
    await resources.bus.settled()
    job_id = await put(resources, counting)
    async with running(resources, counting):

        async def has_told() -> bool:
            record = await record_of(resources, job_id)
            return (record.step, record.percent, record.message) == ("counting", 10, "one of ten")

        await until(has_told)
        statements.clear()
        may_end.set()
        await until(lambda: has_status(resources, job_id, JobStatus.DONE))
    record = await record_of(resources, job_id)
    assert (record.percent, record.message) == (100, None)

    async def was_heard() -> bool:
        return str(job_id) in moved

    await until(was_heard)
    # ninety words, and hardly any written apart from the end
    assert sum("UPDATE job" in statement for statement in statements) <= 3


async def test_another_run_begins_anew(resources: Resources) -> None:
    @job("test.failing", max_attempts=2)
    async def failing(context: JobContext, args: Note) -> None:
        if context.attempt == 1:
            context.tell("far", 80, "nearly there")
            raise ValueError

    job_id = await put(resources, failing)
    async with by_hand(resources, failing) as runner:
        await runner.run(job_id)
        assert (await record_of(resources, job_id)).percent == 80
        await make_due(resources, job_id)
        await runner.run(job_id)
    record = await record_of(resources, job_id)
    assert (record.status, record.percent, record.step) == (JobStatus.DONE, None, None)


async def test_what_is_told_always_fits(resources: Resources) -> None:
    @job("test.talkative")
    async def talkative(context: JobContext, args: Note) -> None:
        context.tell("s" * 100, 180, "m" * 1000)

    job_id = await put(resources, talkative)
    async with by_hand(resources, talkative) as runner:
        await runner.run(job_id)
    record = await record_of(resources, job_id)
    assert record.percent == 100
    assert record.step is not None
    assert record.message is not None
    assert (len(record.step), len(record.message)) == (64, 200)
