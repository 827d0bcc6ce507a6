"""A hub that makes reports of much: killed in it, and asked meanwhile whether it is alive."""

import asyncio
import signal
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
from bench.traffic import fill
from sqlalchemy import select

from hubbub.agents.models import Agent
from hubbub.kit.db.database import Database
from hubbub.settings import DatabaseSettings
from tests.faults.processes import Running, Workplace, until
from tests.faults.test_files import ADMIN, signed_in
from tests.fixtures.factories import PASSWORD

REPORTS = "/api/v1/reports"
ENV = {
    "HUBBUB_ADMIN_EMAIL": ADMIN,
    "HUBBUB_ADMIN_PASSWORD": PASSWORD,
    "HUBBUB_LIMITS__ENABLED": "false",
}
MANY = 40_000


def with_traffic(workplace: Workplace) -> None:
    """A hub where much was said."""
    with workplace.serving(env=ENV) as hub, signed_in(hub) as client:
        for number in range(10):
            made = client.post("/api/v1/agents", json={"name": f"agent-{number}"})
            assert made.status_code == 201, made.text
        hub.process.send_signal(signal.SIGTERM)
        hub.process.wait(30)
    asyncio.run(_fill(workplace.database))


async def _fill(path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{path}", DatabaseSettings())
    async with database.read() as session:
        ids: list[UUID] = list(await session.scalars(select(Agent.id)))
    await fill(database, ids, MANY, days=6)
    await database.close()


def asked_for(client: httpx2.Client, kind: str) -> str:
    answer = client.post(REPORTS, json={"kind": kind})
    assert answer.status_code == 202, answer.text
    path: str = answer.headers["location"]
    return path


def status(client: httpx2.Client, path: str) -> str:
    found: str = client.get(f"{path}/status").json()["status"]
    return found


def ended(client: httpx2.Client, path: str) -> dict[str, Any]:
    until(lambda: status(client, path) not in {"queued", "running"})
    assert status(client, path) == "done"
    content: dict[str, Any] = client.get(f"{path}/download?format=json").json()
    return content


def test_a_report_goes_on_after_a_kill_and_is_made_once(workplace: Workplace) -> None:
    with_traffic(workplace)
    with workplace.serving(env=ENV) as hub, signed_in(hub) as client:
        paths = [asked_for(client, kind) for kind in ("delivery", "activity")]
        until(lambda: status(client, paths[0]) == "running")
        _kill(hub)
    with workplace.serving(env=ENV) as hub, signed_in(hub) as client:
        delivery, activity = (ended(client, path) for path in paths)
        assert delivery["delivery"]["total"] == MANY
        assert activity["activity"]["totals"]["messages"] == MANY
        pdf = client.get(f"{paths[0]}/download").content
        assert pdf.startswith(b"%PDF-")
        listed = client.get(REPORTS).json()["items"]
        assert [each["status"] for each in listed] == ["done", "done"]
        kept = [each for each in (workplace.data / "blobs/reports").iterdir() if each.is_file()]
        assert len([each for each in kept if each.suffix in {".pdf", ".json"}]) == 4


def _kill(hub: Running) -> None:
    hub.process.send_signal(signal.SIGKILL)
    hub.process.wait(30)


def test_it_answers_others_while_it_makes_them(workplace: Workplace) -> None:
    with_traffic(workplace)
    took: list[float] = []
    with workplace.serving(env=ENV) as hub, signed_in(hub) as client:
        paths = [asked_for(client, kind) for kind in ("delivery", "activity", "work")]
        while any(status(client, path) in {"queued", "running"} for path in paths):
            for _ in range(20):
                began = time.perf_counter()
                assert client.get("/healthz").status_code == 200
                took.append(time.perf_counter() - began)
        for path in paths:
            ended(client, path)
    took.sort()
    late, worst = took[int(len(took) * 0.99)], took[-1]
    assert late < 0.05, f"p99 {late * 1000:.1f} ms, worst {worst * 1000:.1f} ms of {len(took)}"
