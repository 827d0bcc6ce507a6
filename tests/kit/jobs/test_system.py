"""All parts together, as the server and the workers use them."""

import asyncio

from hubbub.kit.jobs import JobContext, JobStatus, enqueue, job
from hubbub.kit.jobs.claims import claim_one
from hubbub.kit.jobs.system import open_jobs
from hubbub.kit.outbox import Event, emit
from hubbub.kit.resources import Resources
from tests.kit.jobs.helpers import (
    PATIENCE,
    Note,
    all_records,
    has_status,
    put,
    until,
    with_jobs,
)


class Arrived(Event):
    topic = "test.arrived"
    name: str


class Guests:
    def __init__(self) -> None:
        self.greeted: list[str] = []
        self.all_greeted = asyncio.Event()
        self.announce = job("test.announce", on=Arrived)(self._announce)
        self.greet = job("test.greet")(self._greet)

    async def _announce(self, context: JobContext, args: Arrived) -> None:
        async with context.resources.database.write() as session:
            await enqueue(session, self.greet, Note(text=args.name), key=args.name)

    async def _greet(self, context: JobContext, args: Note) -> None:
        del context
        self.greeted.append(args.text)
        if len(self.greeted) == 3:
            self.all_greeted.set()


async def test_an_event_becomes_work_and_work_becomes_more_work(resources: Resources) -> None:
    # so long that only being woken explains that it is done in time
    calm = with_jobs(resources, poll_seconds=600)
    guests = Guests()
    async with open_jobs(calm, [guests.announce, guests.greet], runs=True):
        async with calm.database.write() as session:
            for name in ("Ann", "Bo", "Cem", "Ann"):
                emit(session, Arrived(name=name))
        async with asyncio.timeout(PATIENCE):
            await guests.all_greeted.wait()
    assert sorted(guests.greeted) == ["Ann", "Bo", "Cem"]
    assert {record.status for record in await all_records(calm)} == {JobStatus.DONE}


async def test_a_process_that_runs_nothing_hands_its_work_on(resources: Resources) -> None:
    guests = Guests()
    async with open_jobs(resources, [guests.greet], runs=False):
        job_id = await put(resources, guests.greet)
    assert await has_status(resources, job_id, JobStatus.QUEUED)
    assert not guests.greeted


async def test_a_server_that_starts_again_takes_up_what_it_was_at(resources: Resources) -> None:
    if not resources.settings.embedded:
        return  # many processes: only the lease tells who is dead
    guests = Guests()
    job_id = await put(resources, guests.greet)
    async with resources.database.write() as session:
        assert await claim_one(session, job_id, [guests.greet.name], lease=3600)
    async with open_jobs(resources, [guests.greet], runs=True):
        await until(lambda: has_status(resources, job_id, JobStatus.DONE))
