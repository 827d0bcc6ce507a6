"""Following how far a report is."""

import asyncio

import pytest

from hubbub.kit.jobs import GiveUp
from hubbub.realtime import sse
from hubbub.reports.service import building
from tests.fixtures.people import Person
from tests.realtime.conftest import served
from tests.realtime.test_events import Reader, reading
from tests.reports.helpers import Made, ask, ended, path
from tests.reports.test_reports import Held, begun, held

__all__ = ["held", "served"]


def events_of(report: Made) -> str:
    return f"/reports/{report['report_id']}/events"


def token(who: Person) -> str:
    return str(who.tokens["access_token"])


async def is_over(reader: Reader) -> bool:
    async with asyncio.timeout(15):
        async for line in reader.lines:
            assert not line.startswith("event")
    return True


async def test_from_the_beginning_to_the_end(
    served: int, authenticated_user: Person, held: Held
) -> None:
    report = await ask(authenticated_user)
    await begun(held)
    async with reading(served, events_of(report), token(authenticated_user)) as reader:
        assert reader.response.headers["content-type"].startswith("text/event-stream")
        assert reader.response.headers["cache-control"] == "no-store"
        assert reader.response.headers["x-accel-buffering"] == "no"
        while True:
            progress = (await reader.next("progress")).data
            assert progress["status"] == "running"
            if progress["progress"]["step"] == "drawing":
                break
        assert progress["progress"]["percent"] == 80
        held.may_end.set()
        done = await reader.next("done")
        assert done.data["download_url"] == path(report, "download")
        assert await is_over(reader)


async def test_one_that_has_ended(served: int, authenticated_user: Person, held: Held) -> None:
    report = await ask(authenticated_user)
    held.may_end.set()
    await ended(authenticated_user, report)
    for _ in range(2):  # as often as one likes
        async with reading(
            served, events_of(report), token(authenticated_user), last="anything"
        ) as reader:
            assert (await reader.next("done")).data["status"] == "done"
            assert await is_over(reader)


async def test_cancelled_and_deleted(served: int, authenticated_user: Person, held: Held) -> None:
    report = await ask(authenticated_user)
    await begun(held)
    async with (
        reading(served, events_of(report), token(authenticated_user)) as one,
        reading(served, events_of(report), token(authenticated_user)) as other,
    ):
        for reader in (one, other):
            await reader.next("progress")
        await authenticated_user.client.delete(path(report))
        for reader in (one, other):
            await reader.next("cancelled")


async def test_a_failure_is_told_safely(
    served: int, authenticated_user: Person, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(content: bytes) -> bytes:
        held.begun.set()
        await held.may_end.wait()
        msg = "secret"
        raise GiveUp from RuntimeError(msg)

    monkeypatch.setattr(building, "draw", failing)
    report = await ask(authenticated_user)
    await begun(held)
    async with reading(served, events_of(report), token(authenticated_user)) as reader:
        await reader.next("progress")
        held.may_end.set()
        failed = await reader.next("failed")
    assert "operator" in failed.data["error"]
    assert "secret" not in str(failed.data)


async def test_it_stays_open_while_nothing_comes(
    served: int, authenticated_user: Person, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "KEEP_ALIVE", 0.05)
    report = await ask(authenticated_user)
    async with reading(served, events_of(report), token(authenticated_user)) as reader:
        assert await reader.comment() == ": here"
