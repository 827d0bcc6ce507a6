"""Jobs that run at an interval, once for each interval however many processes there are."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from hubbub.kit.db.database import Database
from hubbub.kit.db.dialect import db_now
from hubbub.kit.jobs.declare import Job
from hubbub.kit.jobs.queue import SIGNAL, insert_new, new_row


class Schedule:
    """Cuts the database's time into slots. The first to see a slot begin makes its job; slots
    that passed while no process ran are left out."""

    def __init__(self, database: Database, jobs: Sequence[Job[Any]]) -> None:
        self._database = database
        self._jobs = [job for job in jobs if job.every is not None]
        self._tried: dict[str, int] = {}

    async def look(self) -> None:
        if not self._jobs:
            return
        async with self._database.read() as session:
            now = (await session.execute(select(db_now()))).scalar_one()
        slots = {job.name: _slot(job, now) for job in self._jobs}
        begun = [job for job in self._jobs if self._tried.get(job.name) != slots[job.name]]
        if not begun:
            return
        async with self._database.write() as session:
            await insert_new(
                session, [new_row(job, {}, key=f"{job.name}@{slots[job.name]}") for job in begun]
            )
            session.signal(SIGNAL)
        self._tried = slots


def _slot(job: Job[Any], now: datetime) -> int:
    assert job.every is not None  # noqa: S101 - only such jobs are kept
    return int(now.timestamp() // job.every.total_seconds())
