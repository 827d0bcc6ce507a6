"""The hub's jobs as admins see them."""

from typing import Any
from uuid import UUID

import httpx2
import pytest
from pydantic import BaseModel
from sqlalchemy import select, update

from hubbub.activity.models import Activity
from hubbub.kit.db.dialect import db_now
from hubbub.kit.ids import new_id
from hubbub.kit.jobs import Job, JobContext, JobRecord, JobStatus, enqueue, job
from hubbub.kit.resources import Resources
from tests.fixtures.people import Person

JOBS = "/api/v1/jobs"


class Secret(BaseModel):
    whose: str = "ann@example.com"


@job("test.later")
async def later(context: JobContext, args: Secret) -> None: ...


@job("test.other")
async def other(context: JobContext, args: Secret) -> None: ...


async def put(hub: Resources, kind: Job[Secret] = later, **values: object) -> UUID:
    """A job that nobody here knows how to run, so it stays as it is."""
    async with hub.database.write() as session:
        job_id = await enqueue(session, kind, Secret(), delay=3600)
        if values:
            change = update(JobRecord).where(JobRecord.id == job_id).values(**values)
            await session.execute(change)
    return job_id


async def listed(admin: Person, **params: Any) -> list[Any]:
    answer = await admin.client.get(JOBS, params=params)
    assert answer.status_code == 200, answer.text
    assert "ann@example.com" not in answer.text
    items: list[Any] = answer.json()["items"]
    return items


async def test_listed_newest_first_and_filtered(admin: Person, hub: Resources) -> None:
    first = await put(hub)
    second = await put(hub, other, status=JobStatus.FAILED, error="ValueError")
    third = await put(hub)

    assert [each["id"] for each in await listed(admin, name="test.later")] == [
        str(third),
        str(first),
    ]
    [failed] = await listed(admin, status="failed")
    assert (failed["id"], failed["error"], failed["name"]) == (
        str(second),
        "ValueError",
        "test.other",
    )
    assert "args" not in failed


async def test_page_by_page(admin: Person, hub: Resources) -> None:
    ids = [str(await put(hub)) for _ in range(5)]
    found: list[str] = []
    cursor: str | None = None
    while True:
        params: dict[str, Any] = {"limit": 2, "name": "test.later"}
        if cursor is not None:
            params["cursor"] = cursor
        page = (await admin.client.get(JOBS, params=params)).json()
        found += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == ids[::-1]


async def test_one_with_its_progress(admin: Person, hub: Resources) -> None:
    job_id = await put(hub, status=JobStatus.RUNNING, step="counting", percent=40, message="x")
    found = (await admin.client.get(f"{JOBS}/{job_id}")).json()
    assert found["progress"] == {"step": "counting", "percent": 40, "message": "x"}
    assert (found["status"], found["cancelling"]) == ("running", False)


async def test_cancelling_one_that_waits(admin: Person, hub: Resources) -> None:
    job_id = await put(hub)
    answer = await admin.client.post(f"{JOBS}/{job_id}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    again = await admin.client.post(f"{JOBS}/{job_id}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "job_ended")
    async with hub.database.read() as session:
        statement = select(Activity).where(Activity.action == "job.cancelled")
        [act] = (await session.scalars(statement)).all()
    assert (act.actor_id, act.target_id) == (admin.id, job_id)


async def test_cancelling_one_that_runs_elsewhere(admin: Person, hub: Resources) -> None:
    job_id = await put(hub, status=JobStatus.RUNNING, lease_until=db_now(60), fence=1)
    answer = await admin.client.post(f"{JOBS}/{job_id}/cancel")
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["cancelling"]) == ("running", True)


async def test_not_for_others(client: httpx2.AsyncClient, authenticated_user: Person) -> None:
    for method, path in (("GET", ""), ("GET", f"/{new_id()}"), ("POST", f"/{new_id()}/cancel")):
        assert (await client.request(method, JOBS + path)).status_code == 401
        refused = await authenticated_user.client.request(method, JOBS + path)
        assert (refused.status_code, refused.json()["code"]) == (403, "admins_only")


async def test_what_is_not_there(admin: Person) -> None:
    for method, path in (("GET", f"/{new_id()}"), ("POST", f"/{new_id()}/cancel")):
        answer = await admin.client.request(method, JOBS + path)
        assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("?status=asleep", 422),
        ("?name=DROP", 422),
        ("?limit=0", 422),
        ("?cursor=x", 400),
        ("/x", 422),
    ],
)
async def test_what_makes_no_sense(admin: Person, path: str, status: int) -> None:
    assert (await admin.client.get(JOBS + path)).status_code == status
