import asyncio
import os
import sys
from asyncio.subprocess import PIPE

from hubbub.kit.jobs import JobContext, JobStatus, job
from hubbub.kit.resources import Resources
from tests.kit.jobs.doomed import SAYS, doomed
from tests.kit.jobs.helpers import (
    PATIENCE,
    Note,
    has_status,
    let_lease_lapse,
    put,
    record_of,
    running,
)


async def test_a_job_whose_process_was_killed_is_taken_up_by_another(resources: Resources) -> None:
    survived: list[int] = []

    @job("test.doomed")
    async def survivor(context: JobContext, args: Note) -> None:
        del args
        survived.append(context.attempt)

    job_id = await put(resources, doomed)
    environment = {
        "HUBBUB_ENVIRONMENT": "local",
        "HUBBUB_DATABASE_URL": resources.settings.database_dsn,
        "HUBBUB_DATA_DIR": str(resources.settings.data_dir),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.kit.jobs.doomed", env=os.environ | environment, stdout=PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(2 * PATIENCE):
        assert await process.stdout.readline() == SAYS
    process.kill()
    await process.communicate()
    assert await has_status(resources, job_id, JobStatus.RUNNING)

    async with running(resources, survivor) as runner:
        if resources.settings.embedded:
            await runner.recover()
        else:
            await let_lease_lapse(resources, job_id)
        await runner.run(job_id)
    record = await record_of(resources, job_id)
    assert (record.status, record.attempts, survived) == (JobStatus.DONE, 2, [2])
