"""Asking for reports, and what becomes of them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pypdfium2
import pytest
from sqlalchemy import delete, update

from hubbub.kit.blobs import Shown
from hubbub.kit.db.dialect import db_now
from hubbub.kit.ids import new_id
from hubbub.kit.jobs import GiveUp, JobContext, JobRecord, NoArgs
from hubbub.kit.resources import Resources
from hubbub.reports.jobs import prune, settle, sweep
from hubbub.reports.keeping import Format, all_keys, key_of
from hubbub.reports.models import Report
from hubbub.reports.service import building
from hubbub.reports.types import Span
from hubbub.users.models import User
from hubbub.users.types import Role
from tests.fixtures.people import Person
from tests.kit.jobs.helpers import until
from tests.messages.conftest import Talker
from tests.reports.helpers import NOBODY, REPORTS, Made, ask, download, ended, path, standing


class Held:
    """Reports that begin to be drawn, and go on when they may."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def draw(self, _: bytes) -> bytes:
        self.begun.set()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return b"%PDF-"


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    held = Held()
    monkeypatch.setattr(building, "draw", held.draw)
    return held


async def begun(held: Held) -> None:
    async with asyncio.timeout(15):
        await held.begun.wait()


async def kept(hub: Resources) -> set[str]:
    return {each.key async for each in hub.blobs.list("reports/")}


class TestAsking:
    async def test_it_is_made(self, authenticated_user: Person) -> None:
        answer = await authenticated_user.client.post(REPORTS, json={"kind": "delivery"})
        report = answer.json()
        assert answer.status_code == 202
        assert answer.headers["location"] == path(report)
        assert (report["status"], report["download_url"]) == ("queued", None)
        since, until_ = (datetime.fromisoformat(report[each]) for each in ("since", "until"))
        assert until_ - since == timedelta(days=7)
        assert abs(datetime.now(UTC) - until_) < timedelta(minutes=1)

        found = await ended(authenticated_user, report)
        assert found["download_url"] == path(report, "download")
        assert found["progress"]["percent"] == 100

        read = (await authenticated_user.client.get(path(report))).json()
        pdf, text = [await download(authenticated_user, report, each) for each in ("pdf", "json")]
        assert (len(pdf.content), len(text.content)) == (read["pdf_bytes"], read["json_bytes"])
        assert pdf.headers["content-type"] == "application/pdf"
        assert f"delivery-{since:%Y-%m-%d}" in pdf.headers["content-disposition"]
        assert text.json()["report_id"] == report["report_id"]
        words = pypdfium2.PdfDocument(pdf.content)[0].get_textpage().get_text_range()
        assert "Delivery" in words
        assert "1 / " in words

    async def test_once_for_a_key(self, authenticated_user: Person) -> None:
        async def create(kind: str) -> httpx2.Response:
            return await authenticated_user.client.post(
                REPORTS, json={"kind": kind}, headers={"Idempotency-Key": "one"}
            )

        first, again, other = await create("work"), await create("work"), await create("delivery")
        assert again.headers["idempotency-replayed"] == "true"
        assert again.headers["location"] == first.headers["location"] == path(first.json())
        assert (again.status_code, again.json()) == (202, first.json())
        assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
        listed = (await authenticated_user.client.get(REPORTS)).json()["items"]
        assert len(listed) == 1

    async def test_only_so_many_at_a_time(self, authenticated_user: Person, held: Held) -> None:
        create = [authenticated_user.client.post(REPORTS, json={"kind": "work"}) for _ in range(6)]
        answers = await asyncio.gather(*create)
        assert sorted(each.status_code for each in answers) == [202] * 3 + [429] * 3
        [refused, *_] = [each for each in answers if each.status_code == 429]
        assert refused.json()["code"] == "too_many_reports"
        assert int(refused.headers["retry-after"]) >= 1
        held.may_end.set()
        for answer in answers:
            if answer.status_code == 202:
                await ended(authenticated_user, answer.json())
        await ask(authenticated_user)

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({}, "validation_failed"),
            ({"kind": "gossip"}, "validation_failed"),
            ({"kind": "work", "since": "yesterday"}, "validation_failed"),
            ({"kind": "work", "until": "0001-01-01T00:00:00Z"}, "validation_failed"),
            ({"kind": "work", "until": "9999-12-31T23:59:59Z"}, "validation_failed"),
            ({"kind": "work", "more": 1}, "validation_failed"),
            ({"kind": "work", "since": "2001-01-01T00:00:00Z"}, "report_range"),
            (
                {"kind": "work", "since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"},
                "report_range",
            ),
            (
                {"kind": "work", "since": "2026-01-02T00:00:00Z", "until": "2026-01-02T00:00:00Z"},
                "report_range",
            ),
        ],
    )
    async def test_what_makes_no_sense(
        self, authenticated_user: Person, body: Made, code: str
    ) -> None:
        answer = await authenticated_user.client.post(REPORTS, json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, code)

    @pytest.mark.usefixtures("held")
    async def test_the_longest(self, authenticated_user: Person) -> None:
        times = {"since": "2025-01-01T00:00:00+00:00", "until": "2026-01-02T00:00:00+00:00"}
        await ask(authenticated_user, **times)
        longer = times | {"until": "2026-01-02T00:00:01+00:00", "kind": "work"}
        assert (await authenticated_user.client.post(REPORTS, json=longer)).status_code == 422


ROUTES = [
    ("GET", ()),
    ("GET", ("status",)),
    ("GET", ("events",)),
    ("GET", ("download",)),
    ("POST", ("cancel",)),
    ("DELETE", ()),
]


class TestSeeing:
    @pytest.mark.usefixtures("held")
    @pytest.mark.parametrize(("method", "more"), ROUTES)
    async def test_of_others_nothing(
        self,
        client: httpx2.AsyncClient,
        authenticated_user: Person,
        other_user: Person,
        method: str,
        more: tuple[str, ...],
    ) -> None:
        report = await ask(authenticated_user)
        assert (await client.request(method, path(report, *more))).status_code == 401
        for made in (report, {"report_id": NOBODY}):
            answer = await other_user.client.request(method, path(made, *more))
            assert (answer.status_code, answer.json()["code"]) == (404, "report_not_found")
        assert (await other_user.client.get(REPORTS)).json()["items"] == []
        wrong = await other_user.client.request(method, "/".join((REPORTS, "x", *more)))
        assert wrong.status_code == 422

    async def test_without_a_credential(self, client: httpx2.AsyncClient) -> None:
        assert (await client.post(REPORTS, json={"kind": "work"})).status_code == 401
        assert (await client.get(REPORTS)).status_code == 401

    async def test_a_key_that_may_only_read(self, authenticated_user: Person) -> None:
        made = await authenticated_user.client.post(
            "/api/v1/api-keys", json={"name": "reader", "scopes": ["read"]}
        )
        key = {"Authorization": f"Bearer {made.json()['key']}"}
        refused = await authenticated_user.client.post(REPORTS, json={"kind": "work"}, headers=key)
        assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")

    @pytest.mark.usefixtures("held")
    async def test_by_pages(self, authenticated_user: Person, admin: Person) -> None:
        mine = [(await ask(authenticated_user))["report_id"] for _ in range(3)]
        other = (await ask(admin))["report_id"]

        async def listed(who: Person) -> list[str]:
            found: list[str] = []
            params: dict[str, Any] = {"limit": 2}
            while True:
                page = (await who.client.get(REPORTS, params=params)).json()
                found += [each["report_id"] for each in page["items"]]
                if page["next_cursor"] is None:
                    return found
                params["cursor"] = page["next_cursor"]

        assert await listed(authenticated_user) == mine[::-1]
        assert await listed(admin) == [other, *mine[::-1]]
        assert (await admin.client.get(f"{REPORTS}?cursor=x")).status_code == 400

    @pytest.mark.usefixtures("held")
    async def test_those_of_ones_agents(self, alice: Talker, bob: Talker) -> None:
        report = await ask(alice)
        assert (await alice.owner.client.get(path(report))).status_code == 200
        assert (await bob.owner.client.get(path(report))).status_code == 404
        owners = await ask(alice.owner)
        assert (await alice.client.get(path(owners))).status_code == 404

    async def test_who_is_no_admin_any_more(self, admin: Person, hub: Resources) -> None:
        report = await ask(admin)
        await ended(admin, report)
        async with hub.database.write() as session:
            await session.execute(update(User).where(User.id == admin.id).values(role=Role.MEMBER))

        async def is_hidden() -> bool:
            return (await admin.client.get(path(report))).status_code == 404

        await until(is_hidden)

    async def test_none_of_the_hub_is_made_for_who_is_no_admin(
        self, authenticated_user: Person, hub: Resources
    ) -> None:
        report = await ask(authenticated_user)
        await ended(authenticated_user, report)
        report_id = UUID(report["report_id"])
        async with hub.database.write() as session:
            changed = update(Report).where(Report.id == report_id)
            await session.execute(changed.values(span=Span.HUB, outcome=None))
        with pytest.raises(GiveUp):
            await building.build(JobContext(hub, new_id(), 1), building.Build(report_id=report_id))
        assert (await authenticated_user.client.get(path(report))).status_code == 404


class TestEnding:
    async def test_cancelled_while_it_is_made(
        self, authenticated_user: Person, held: Held, hub: Resources
    ) -> None:
        report = await ask(authenticated_user)
        await begun(held)
        answer = await authenticated_user.client.post(path(report, "cancel"))
        assert answer.status_code == 200
        await ended(authenticated_user, report, "cancelled")
        assert held.cancelled.is_set()
        refused = await download(authenticated_user, report, "json")
        assert (refused.status_code, refused.json()["code"]) == (409, "report_not_done")
        again = await authenticated_user.client.post(path(report, "cancel"))
        assert (again.status_code, again.json()["code"]) == (409, "report_ended")

        # its job is forgotten, it isn't
        await settle(JobContext(hub, new_id(), 1), NoArgs())
        async with hub.database.write() as session:
            await session.execute(delete(JobRecord))
        assert (await standing(authenticated_user, report))["status"] == "cancelled"

    async def test_deleted_when_it_is_done(
        self, authenticated_user: Person, hub: Resources
    ) -> None:
        report = await ask(authenticated_user)
        await ended(authenticated_user, report)
        assert len(await kept(hub)) == 2
        assert (await authenticated_user.client.delete(path(report))).status_code == 204
        assert (await authenticated_user.client.get(path(report))).status_code == 404
        await until(lambda: _is_empty(hub))

    async def test_deleted_while_it_is_made(
        self, authenticated_user: Person, held: Held, hub: Resources
    ) -> None:
        report = await ask(authenticated_user)
        await begun(held)
        assert (await authenticated_user.client.delete(path(report))).status_code == 204
        async with asyncio.timeout(15):
            await held.cancelled.wait()
        await until(lambda: _is_empty(hub))

    async def test_what_fails_says_nothing_of_why(
        self, authenticated_user: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def failing(content: bytes) -> bytes:
            msg = "secret"
            raise RuntimeError(msg)

        monkeypatch.setattr(building, "draw", failing)
        monkeypatch.setattr(
            "hubbub.reports.service.reports.build", replace(building.build, max_attempts=1)
        )
        report = await ask(authenticated_user)
        found = await ended(authenticated_user, report, "failed")
        assert "operator" in found["error"]
        assert "secret" not in str(found)
        # one that has failed keeps nobody from the next
        for _ in range(3):
            await ended(authenticated_user, await ask(authenticated_user), "failed")

    async def test_bytes_that_are_gone(self, authenticated_user: Person, hub: Resources) -> None:
        report = await ask(authenticated_user)
        await ended(authenticated_user, report)
        await hub.blobs.erase([key_of(UUID(report["report_id"]), Format.PDF)])
        answer = await download(authenticated_user, report, "pdf")
        assert (answer.status_code, answer.json()["code"]) == (410, "report_lost")
        assert (await download(authenticated_user, report, "xls")).status_code == 422

    async def test_erased_with_time(self, authenticated_user: Person, hub: Resources) -> None:
        old, young = [await ask(authenticated_user) for _ in range(2)]
        for each in (old, young):
            await ended(authenticated_user, each)
        async with hub.database.write() as session:
            await session.execute(
                update(Report)
                .where(Report.id == UUID(old["report_id"]))
                .values(created_at=db_now(-31 * 86400))
            )
        await prune(JobContext(hub, new_id(), 1), NoArgs())
        left = set(all_keys(UUID(young["report_id"])))
        assert (await authenticated_user.client.get(path(old))).status_code == 404

        async def only_the_young() -> bool:
            return await kept(hub) == left

        await until(only_the_young)

    async def test_what_nobody_knows_of_is_swept(
        self, authenticated_user: Person, hub: Resources, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        report = await ask(authenticated_user)
        await ended(authenticated_user, report)
        known = set(all_keys(UUID(report["report_id"])))
        foreign = "reports/readme"
        for key in (key_of(new_id(), Format.PDF), foreign):
            await hub.blobs.put(key, _bytes(), Shown("application/pdf", "attachment"))
        monkeypatch.setattr("hubbub.reports.jobs._ON_ITS_WAY", timedelta(days=-1))
        await sweep(JobContext(hub, new_id(), 1), NoArgs())
        assert await kept(hub) == known | {foreign}


async def _is_empty(hub: Resources) -> bool:
    return await kept(hub) == set()


async def _bytes() -> AsyncIterator[bytes]:
    yield b"x"
