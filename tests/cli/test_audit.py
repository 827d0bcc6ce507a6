"""`hubbub audit verify`, as an operator runs it."""

import re
import sqlite3
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults.processes import Workplace, clean_environment, until
from tests.fixtures.factories import PASSWORD

HEAD = re.compile(r"head (\d+:[0-9a-f]{64})")


class Said(NamedTuple):
    code: int
    out: str

    @property
    def head(self) -> str:
        found = HEAD.search(self.out)
        assert found is not None, self.out
        return found[1]


class Place(NamedTuple):
    work: Workplace

    def verify(self, *args: str) -> Said:
        ended = self.work.run("audit", "verify", *args)
        return Said(ended.returncode, ended.stdout)

    def spoil(self, statement: str) -> None:
        with sqlite3.connect(self.work.database) as database:
            database.execute(statement)
        database.close()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A hub in which something was done, killed in the middle of its work."""
    env = clean_environment() | {
        "HUBBUB_ADMIN_EMAIL": "admin@example.com",
        "HUBBUB_ADMIN_PASSWORD": PASSWORD,
    }
    work = Workplace(tmp_path_factory.mktemp("audited"), env)
    with work.serving() as hub:
        until(lambda: not Place(work).verify().head.startswith("0:"))
        assert Place(work).verify().code == 0
        hub.process.kill()
        hub.process.wait()
    return work


@pytest.fixture
def place(original: Workplace, tmp_path: Path) -> Place:
    copy = Workplace(tmp_path, original.env)
    copy.data.mkdir()
    for file in original.data.glob("hubbub.db*"):
        (copy.data / file.name).write_bytes(file.read_bytes())
    return Place(copy)


def test_an_untouched_record_is_said_to_be_one(place: Place) -> None:
    first = place.verify()
    again = place.verify("--head", first.head)

    assert first.code == again.code == 0
    assert "The record is as it was written" in first.out
    assert "Not sealed yet: 0." in first.out


def test_a_changed_act_is_named_and_fails_the_command(place: Place) -> None:
    place.spoil("UPDATE activity SET address = '192.0.2.1' WHERE number = 1")

    said = place.verify()

    assert said.code == 1
    assert re.search(r"^changed: number 1 \([a-z_.]+, [0-9a-f-]{36}\)$", said.out, re.MULTILINE)
    assert "The record is not as it was written" in said.out


def test_a_cut_end_is_found_with_a_noted_head(place: Place) -> None:
    head = place.verify().head
    place.spoil("DELETE FROM activity")
    place.spoil("DELETE FROM activity_head")

    assert place.verify().code == 0
    assert place.verify("--head", head).code == 1
    said = place.verify("--head", head.partition(":")[2])
    assert said.code == 1
    assert "cut off" in said.out


def test_what_is_not_sealed_is_counted(place: Place) -> None:
    place.spoil("UPDATE activity SET number = NULL")
    place.spoil("DELETE FROM activity_head")

    said = place.verify()

    assert said.code == 0
    assert not said.out.endswith("Not sealed yet: 0.\n")


def test_what_is_no_head_is_refused(place: Place) -> None:
    assert place.verify("--head", "abc").code == 2
