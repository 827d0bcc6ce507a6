import pytest
from sqlalchemy import select

from hubbub import registry
from hubbub.kit.jobs import JobRecord, JobStatus
from hubbub.kit.resources import Resources
from hubbub.registry import JOBS  # as it is outside of tests
from tests.fixtures.waiting import eventually


@pytest.fixture
def all_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "JOBS", JOBS)


@pytest.mark.usefixtures("all_is_due")
async def test_a_new_hub_does_at_once_what_is_done_at_intervals(hub: Resources) -> None:
    wanted = {job.name for job in JOBS if job.every is not None}
    assert wanted

    async def are_done() -> bool:
        async with hub.database.read() as session:
            done = select(JobRecord.name).filter_by(status=JobStatus.DONE)
            return wanted <= set(await session.scalars(done))

    await eventually(are_done)
