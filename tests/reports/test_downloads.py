"""Who gets the bytes of a report, and for how long."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from hubbub.kit.blobs import Shown
from hubbub.kit.resources import Resources
from hubbub.reports.keeping import CONTENT_TYPES, Format, key_of
from hubbub.reports.models import Report
from hubbub.settings import ExportSettings, Settings
from tests.fixtures.people import MakePerson, Person
from tests.fixtures.reading import Reads
from tests.fixtures.waiting import eventually
from tests.messages.conftest import Talker
from tests.realtime.conftest import served
from tests.reports.helpers import REPORTS, ask, download, ended, path

__all__ = ["served"]

MIB = 1024 * 1024
LARGE = 32 * MIB
"""More than the buffers between two sockets hold."""


async def zeros() -> AsyncIterator[bytes]:
    for _ in range(LARGE // MIB):
        yield bytes(MIB)


class TestStalling:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"exports": ExportSettings(stall_seconds=0.3)})

    async def test_who_reads_nothing_is_cut_off(
        self, authenticated_user: Person, hub: Resources, served: int
    ) -> None:
        report = await ask(authenticated_user)
        await ended(authenticated_user, report)
        report_id = UUID(report["report_id"])
        shown = Shown(CONTENT_TYPES[Format.PDF], "attachment")
        await hub.blobs.put(key_of(report_id, Format.PDF), zeros(), shown)
        async with hub.database.write() as session:
            await session.execute(
                update(Report).where(Report.id == report_id).values(pdf_bytes=LARGE)
            )

        with capture_logs() as logs:
            reading = await Reads(served, path(report, "download"))(authenticated_user)

            async def is_cut_off() -> bool:
                return "download.stalled" in [line["event"] for line in logs]

            await eventually(is_cut_off)
            assert len(await reading.rest()) < LARGE
            reading.leave()


async def test_an_agents_report_stays_with_the_owner_of_that_time(
    alice: Talker, bob: Talker, people: MakePerson
) -> None:
    await bob.send(alice, content="for the first owner")
    report = await ask(alice)
    await ended(alice, report)
    assert (await download(alice, report, "json")).is_success
    assert (await alice.owner.client.get(path(report))).is_success

    heir = await people()
    offer = f"/api/v1/agents/{alice.id}/transfer"
    offered = await alice.owner.client.post(offer, json={"user_id": str(heir.id)})
    assert offered.is_success, offered.text
    assert (await heir.client.post(f"{offer}/accept")).is_success
    key = (await heir.client.post(f"/api/v1/agents/{alice.id}/key", json={})).json()["key"]
    alice.client.headers["Authorization"] = f"Bearer {key}"

    for who in (heir, alice):
        assert (await who.client.get(path(report))).status_code == 404
        assert (await download(who, report, "json")).status_code == 404
        assert (await who.client.post(path(report, "cancel"))).status_code == 404
        assert (await who.client.delete(path(report))).status_code == 404
        assert (await who.client.get(REPORTS)).json()["items"] == []
    await ended(alice, await ask(alice))
    assert len((await heir.client.get(REPORTS)).json()["items"]) == 1
