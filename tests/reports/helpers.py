"""What the tests about reports have in common."""

from typing import Any

import httpx2

from tests.fixtures.people import Person
from tests.kit.jobs.helpers import until
from tests.messages.conftest import Talker

REPORTS = "/api/v1/reports"
NOBODY = "0199a0c5-dbaf-7e7c-8f91-98f919f84a8c"

type Somebody = Person | Talker
type Made = dict[str, Any]


async def ask(who: Somebody, kind: str = "activity", **values: object) -> Made:
    answer = await who.client.post(REPORTS, json={"kind": kind} | values)
    assert answer.status_code == 202, answer.text
    made: Made = answer.json()
    return made


def path(report: Made, *more: str) -> str:
    return "/".join([REPORTS, report["report_id"], *more])


async def standing(who: Somebody, report: Made) -> Made:
    answer = await who.client.get(path(report, "status"))
    assert answer.status_code == 200, answer.text
    found: Made = answer.json()
    return found


async def ended(who: Somebody, report: Made, status: str = "done") -> Made:
    """How it stands once it stands so; nothing else may it have come to."""
    seen: Made = {}

    async def has_ended() -> bool:
        seen.update(await standing(who, report))
        return seen["status"] not in {"queued", "running"}

    await until(has_ended)
    assert seen["status"] == status, seen
    return seen


async def download(who: Somebody, report: Made, format: str) -> httpx2.Response:  # noqa: A002
    return await who.client.get(path(report, "download"), params={"format": format})


async def content(who: Somebody, kind: str = "activity", **values: object) -> Made:
    """What is in a report that is made now."""
    report = await ask(who, kind, **values)
    await ended(who, report)
    answer = await download(who, report, "json")
    assert answer.status_code == 200, answer.text
    found: Made = answer.json()
    return found
