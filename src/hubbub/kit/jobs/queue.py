"""Putting jobs into the table."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from hubbub.kit.db.dialect import db_now, insert_or_ignore, upsert
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.ids import new_id
from hubbub.kit.jobs.declare import Job
from hubbub.kit.jobs.models import JobRecord

SIGNAL = "jobs"


async def enqueue[A: BaseModel](
    session: AsyncWriteSession,
    job: Job[A],
    args: A,
    *,
    key: str | None = None,
    delay: float = 0.0,
) -> UUID:
    """Stores a job with the caller's transaction; it runs once that has committed.

    There is one row for a `job` and a `key`, as long as it is kept: for another call with the same
    ones its id is returned and nothing changes.
    """
    session.signal(SIGNAL)
    # two jobs that happen to use the same key are no reason to lose one of them
    full_key = None if key is None else f"{job.name}:{key}"
    row = new_row(job, args.model_dump(mode="json"), full_key) | {"run_at": db_now(delay)}
    # writing the key over itself makes the existing row come back
    statement = upsert(session, JobRecord, row, unique=["key"], change=["key"])
    found: UUID = (await session.execute(statement.returning(JobRecord.id))).scalar_one()
    return found


def new_row(job: Job[Any], args: dict[str, Any], key: str | None) -> dict[str, Any]:
    return {
        "id": new_id(),
        "name": job.name,
        "key": key,
        "args": args,
        "max_attempts": job.max_attempts,
    }


async def insert_new(session: AsyncWriteSession, rows: Sequence[dict[str, Any]]) -> list[UUID]:
    """Inserts those whose key is new, and returns their ids."""
    if not rows:
        return []
    statement = insert_or_ignore(session, JobRecord, unique=["key"]).values(list(rows))
    return list((await session.execute(statement.returning(JobRecord.id))).scalars())
