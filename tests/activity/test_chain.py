"""What was written down can't be changed unseen."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from hubbub.activity import service as activity
from hubbub.activity.models import Activity
from hubbub.activity.queries import sealed_after, standing
from hubbub.activity.service import verifying
from hubbub.activity.service.chain import BEGINNING, link
from hubbub.activity.service.sealing import Sealer, seal
from hubbub.activity.service.verifying import Finding, Report, Tampering, read_head, verify
from hubbub.kit.db.database import Database
from hubbub.kit.ids import new_id
from hubbub.kit.metrics import Metrics
from hubbub.settings import DatabaseSettings
from tests.fixtures.waiting import eventually


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    """Without a hub, so that nothing is sealed behind the test's back."""
    database = Database(dsn, DatabaseSettings())
    yield database
    await database.close()


@pytest.fixture
def sealer(database: Database) -> Sealer:
    return Sealer(database, Metrics(), new_id())


async def act(database: Database, *actions: str) -> None:
    for action in actions:
        async with database.write() as session:
            activity.record(
                session,
                action,
                actor_id=new_id(),
                target_kind="room",
                target_id=new_id(),
                word="Ünïcode 世界 ",
                count=3,
                nothing=None,
            )


async def sealed(database: Database) -> Sequence[Activity]:
    async with database.read() as session:
        return await sealed_after(session, 0, 1000)


@pytest.fixture
async def chain(database: Database, sealer: Sealer) -> Sequence[Activity]:
    """Nine sealed acts."""
    await act(database, *(f"test.act{number}" for number in range(1, 10)))
    await sealer.look()
    return await sealed(database)


async def spoil(database: Database, *statements: str, **values: object) -> None:
    async with database.write() as session:
        for statement in statements:
            await session.execute(text(statement), values)


def said(report: Report) -> list[tuple[Tampering, str]]:
    return [(finding.what, finding.where.split(" (")[0]) for finding in report.findings]


class TestSealing:
    async def test_each_link_follows_the_one_before(
        self, database: Database, chain: Sequence[Activity]
    ) -> None:
        previous = BEGINNING
        for number, each in enumerate(chain, start=1):
            assert (each.number, each.action) == (number, f"test.act{number}")
            assert each.previous == previous
            assert each.hash == link(previous, each)
            previous = each.hash or ""
        async with database.read() as session:
            found = await standing(session)
        assert found.head is not None
        assert (found.unsealed, found.head.number, found.head.hash) == (0, 9, previous)

    async def test_more_than_one_turn_takes_is_one_chain(
        self, database: Database, sealer: Sealer
    ) -> None:
        async with database.write() as session:
            for number in range(450):
                activity.record(session, f"test.act{number}", actor_id=None)
        await sealer.look()

        report = await verify(database)

        assert (report.number, report.unsealed, report.findings) == (450, 0, [])

    async def test_a_lower_id_that_comes_later_is_sealed_all_the_same(
        self, database: Database, sealer: Sealer
    ) -> None:
        early = Activity(id=new_id(), action="test.early", details={})
        await act(database, "test.quick")
        await sealer.look()
        async with database.write() as session:
            session.add(early)
        await sealer.look()

        assert [each.action for each in await sealed(database)] == ["test.quick", "test.early"]

    async def test_a_transaction_that_commits_late_is_sealed_then(self, postgres_dsn: str) -> None:
        """SQLite lets one write at a time, so there it can't happen."""
        database = Database(postgres_dsn, DatabaseSettings())
        sealer = Sealer(database, Metrics(), new_id())
        async with database.write() as session:
            activity.record(session, "test.early", actor_id=None)
            await session.flush()
            await act(database, "test.quick")
            await sealer.look()
        await sealer.look()

        assert [each.action for each in await sealed(database)] == ["test.quick", "test.early"]
        await database.close()

    async def test_of_many_sealers_one_works(self, database: Database) -> None:
        """However they meet, there is one chain."""
        sealers = [Sealer(database, Metrics(), new_id()) for _ in range(6)]
        await act(database, *(["test.act"] * 20))

        for _ in range(3):
            await asyncio.gather(act(database, "test.more"), *(each.look() for each in sealers))
        await asyncio.gather(*(each.look() for each in sealers))

        report = await verify(database)
        assert (report.number, report.unsealed, report.findings) == (23, 0, [])

    async def test_who_holds_the_lease_keeps_it_and_may_let_go(
        self, database: Database, chain: Sequence[Activity], sealer: Sealer
    ) -> None:
        del chain
        other = Sealer(database, Metrics(), new_id())
        await act(database, "test.after")
        await other.look()
        assert len(await sealed(database)) == 9

        await sealer.let_go()
        await other.look()

        assert len(await sealed(database)) == 10

    async def test_a_lease_that_has_ended_is_anybodys(
        self, database: Database, chain: Sequence[Activity]
    ) -> None:
        del chain
        await spoil(database, "UPDATE activity_head SET held_until = '2020-01-01 00:00:00.000000'")
        await act(database, "test.after")

        await Sealer(database, Metrics(), new_id()).look()

        assert len(await sealed(database)) == 10

    async def test_what_is_undone_half_way_is_done_again(
        self, database: Database, sealer: Sealer
    ) -> None:
        """As after a kill: neither links nor a head of them are left."""
        await act(database, "test.one", "test.two")
        with pytest.raises(OperationalError):
            await self.sealed_and_cut(database)
        assert await sealed(database) == []

        await sealer.look()

        assert (await verify(database)).findings == []
        assert len(await sealed(database)) == 2

    async def sealed_and_cut(self, database: Database) -> None:
        async with database.write() as session:
            assert await seal(session, new_id(), 10) is not None
            await session.flush()
            raise OperationalError("COMMIT", None, Exception("killed"))


class TestVerifying:
    async def test_a_record_as_it_was_written(
        self, database: Database, chain: Sequence[Activity]
    ) -> None:
        report = await verify(database, read_head(f"9:{chain[-1].hash}"))

        assert report.findings == []
        assert (report.number, report.hash, report.unsealed) == (9, chain[-1].hash, 0)

    async def test_an_empty_record(self, database: Database) -> None:
        report = await verify(database)

        assert (report.number, report.findings, report.unsealed) == (0, [], 0)

    async def test_what_is_not_sealed_is_counted(
        self, database: Database, chain: Sequence[Activity]
    ) -> None:
        del chain
        await act(database, "test.new", "test.newer")

        report = await verify(database)

        assert (report.number, report.unsealed, report.findings) == (9, 2, [])

    @pytest.mark.parametrize(
        "change",
        [
            "action = 'test.other'",
            "actor_id = NULL",
            "target_id = NULL",
            "address = '192.0.2.9'",
            "request_id = 'x'",
            "target_kind = NULL",
            "at = '2020-01-01 00:00:00.000000'",
            """details = '{"count": 4}'""",
            "hash = previous",
            "previous = hash",
        ],
    )
    async def test_a_changed_row_is_named(
        self, database: Database, chain: Sequence[Activity], change: str
    ) -> None:
        await spoil(database, f"UPDATE activity SET {change} WHERE number = 4")

        [finding] = (await verify(database)).findings

        assert finding.what is Tampering.CHANGED
        assert finding.where.startswith("number 4 (")
        assert str(chain[3].id) in finding.where

    async def test_a_change_made_to_fit_itself_does_not_fit_the_next(
        self, database: Database, chain: Sequence[Activity]
    ) -> None:
        forged = chain[3]
        forged.action = "test.forged"
        digest = link(forged.previous or "", forged)
        await spoil(
            database,
            "UPDATE activity SET action = 'test.forged', hash = :hash WHERE number = 4",
            hash=digest,
        )

        report = await verify(database)

        assert said(report) == [(Tampering.BROKEN, "number 5")]
        assert str(forged.id) in report.findings[0].where

    @pytest.mark.parametrize(
        ("gone", "named"),
        [("4", "number 4"), ("4, 5, 6", "numbers 4 to 6"), ("1", "number 1")],
    )
    @pytest.mark.usefixtures("chain")
    async def test_removed_rows_are_named(self, database: Database, gone: str, named: str) -> None:
        await spoil(database, f"DELETE FROM activity WHERE number IN ({gone})")

        report = await verify(database)

        assert report.findings == [Finding(Tampering.REMOVED, named)]

    @pytest.mark.usefixtures("chain")
    async def test_a_gap_that_was_closed_shows(self, database: Database) -> None:
        await spoil(
            database,
            "DELETE FROM activity WHERE number = 4",
            *(f"UPDATE activity SET number = {n - 1} WHERE number = {n}" for n in range(5, 10)),
            "UPDATE activity_head SET number = 8",
        )

        assert said(await verify(database)) == [(Tampering.BROKEN, "number 4")]

    @pytest.mark.parametrize(("one", "other"), [(3, 4), (3, 7), (1, 9), (8, 9)])
    async def test_reordered_rows_are_named(
        self, database: Database, chain: Sequence[Activity], one: int, other: int
    ) -> None:
        await spoil(
            database,
            f"UPDATE activity SET number = 99 WHERE number = {one}",
            f"UPDATE activity SET number = {one} WHERE number = {other}",
            f"UPDATE activity SET number = {other} WHERE number = 99",
        )

        report = await verify(database)

        moved = [each.where for each in report.findings if each.what is Tampering.REORDERED]
        assert [each.split(" (")[0] for each in moved] == [f"number {one}", f"number {other}"]
        assert str(chain[other - 1].id) in moved[0]
        # where the last one was moved, the head doesn't fit either
        assert len(report.findings) == (3 if other == 9 else 2)

    @pytest.mark.usefixtures("chain")
    async def test_rows_that_changed_their_contents_are_named(self, database: Database) -> None:
        await spoil(
            database,
            "UPDATE activity SET action = 'test.act6' WHERE number = 3",
            "UPDATE activity SET action = 'test.act3' WHERE number = 6",
        )

        assert said(await verify(database)) == [
            (Tampering.CHANGED, "number 3"),
            (Tampering.CHANGED, "number 6"),
        ]

    @pytest.mark.usefixtures("chain")
    @pytest.mark.parametrize("change", ["action = 'x'", "number = -number"])
    async def test_of_a_record_that_was_replaced_not_each_row_is_named(
        self, database: Database, monkeypatch: pytest.MonkeyPatch, change: str
    ) -> None:
        monkeypatch.setattr(verifying, "MOST_NAMED", 3)
        await spoil(
            database,
            f"UPDATE activity SET {change}",
            "UPDATE activity SET number = number + 10 WHERE number < 0",
        )

        report = await verify(database)

        assert len(report.findings) == 3
        assert report.more >= 6

    @pytest.mark.usefixtures("chain")
    async def test_a_tail_that_was_cut_shows_in_the_head(self, database: Database) -> None:
        await spoil(database, "DELETE FROM activity WHERE number > 7")

        report = await verify(database)

        assert report.findings == [Finding(Tampering.CUT_OFF, "numbers 8 to 9")]

    @pytest.mark.parametrize("numbered", [True, False])
    async def test_a_tail_cut_with_the_head_shows_against_a_noted_one(
        self, database: Database, chain: Sequence[Activity], numbered: bool
    ) -> None:
        await spoil(
            database,
            "DELETE FROM activity WHERE number > 7",
            "UPDATE activity_head SET number = 7, hash = :hash",
            hash=chain[6].hash,
        )
        noted = f"9:{chain[-1].hash}" if numbered else chain[-1].hash or ""

        assert (await verify(database)).findings == []
        assert (await verify(database, read_head(f"7:{chain[6].hash}"))).findings == []
        [finding] = (await verify(database, read_head(noted))).findings
        assert finding.what is Tampering.CUT_OFF
        assert not numbered or finding.where.startswith("numbers 8 to 9")

    async def test_all_made_anew_shows_against_a_noted_head(
        self, database: Database, chain: Sequence[Activity], sealer: Sealer
    ) -> None:
        await spoil(
            database,
            "UPDATE activity SET number = NULL, previous = NULL, hash = NULL",
            "UPDATE activity SET action = 'test.forged' WHERE action = 'test.act4'",
            "UPDATE activity_head SET number = 0, hash = :hash",
            hash=BEGINNING,
        )
        await sealer.look()

        assert (await verify(database)).findings == []
        report = await verify(database, read_head(f"9:{chain[-1].hash}"))
        assert said(report) == [(Tampering.REWRITTEN, "number 9 isn't what that head was of")]

    @pytest.mark.usefixtures("chain")
    async def test_a_row_put_behind_the_head_is_named(
        self, database: Database, sealer: Sealer
    ) -> None:
        await act(database, "test.new")
        await sealer.look()
        await spoil(
            database,
            "UPDATE activity_head SET number = 9,"
            " hash = (SELECT hash FROM activity WHERE number = 9)",
        )

        report = await verify(database)

        assert [finding.what for finding in report.findings] == [Tampering.BROKEN]
        assert report.findings[0].where.startswith("number 10")

    async def test_beside_a_hub_that_goes_on_it_finds_nothing(
        self, database: Database, sealer: Sealer
    ) -> None:
        async def go_on() -> None:
            for number in range(30):
                await act(database, f"test.act{number}")
                await sealer.look()

        going = asyncio.create_task(go_on())
        while not going.done():
            assert (await verify(database)).findings == []
        await going

        assert (await verify(database)).number == 30


async def test_a_running_hub_seals_within_a_second(hub: object, database: Database) -> None:
    assert hub is not None
    await act(database, "test.act")

    async def done() -> bool:
        async with database.read() as session:
            found = await standing(session)
        return found.unsealed == 0 and found.head is not None and found.head.number > 0

    await eventually(done, within=5)


@pytest.mark.parametrize("text", ["", "9", "abc", "9:abc", "0" * 63, "-1:" + "0" * 64])
def test_what_is_no_head(text: str) -> None:
    assert read_head(text) is None


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize("number", [0, -1, -(2**62)])
async def test_an_act_that_was_slipped_in_before_the_beginning_is_named(
    database: Database, number: int
) -> None:
    slipped_in = Activity(id=new_id(), action="test.forged", details={}, number=number)
    async with database.write() as session:
        session.add(slipped_in)

    [finding] = (await verify(database)).findings

    assert finding.what is Tampering.BROKEN
    assert str(slipped_in.id) in finding.where


@pytest.mark.parametrize(
    "change",
    [
        "details = 'x'",
        "details = '[1]'",
        "at = 'yesterday'",
        "target_id = 'x'",
        "actor_id = 7",
        "id = 'x' || number",
        "action = x'ff'",
        "hash = x'ff'",
    ],
)
async def test_a_row_that_can_not_be_read_any_more_is_named(sqlite_dsn: str, change: str) -> None:
    """PostgreSQL lets nobody write such a thing."""
    database = Database(sqlite_dsn, DatabaseSettings())
    await act(database, *(f"test.act{number}" for number in range(1, 10)))
    await Sealer(database, Metrics(), new_id()).look()
    await spoil(database, f"UPDATE activity SET {change} WHERE number IN (4, 9)")

    report = await verify(database)

    assert said(report)[:2] == [(Tampering.CHANGED, "number 4"), (Tampering.CHANGED, "number 9")]
    assert report.number == 9
    await database.close()
