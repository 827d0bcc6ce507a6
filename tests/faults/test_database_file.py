"""What is wrong with the embedded database."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.processes import Workplace, obeying_modes

SERVE = ("serve", "--port", "0")

both = pytest.mark.parametrize("command", [SERVE, ("migrate",)], ids=["serve", "migrate"])


@pytest.fixture
def workplace(workplace: Workplace, migrated_file: Path) -> Workplace:
    """Has a database that is migrated."""
    workplace.data.mkdir()
    shutil.copyfile(migrated_file, workplace.database)
    return workplace


def test_a_locked_database(workplace: Workplace) -> None:
    with closing(sqlite3.connect(workplace.database, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")

        said = workplace.refuses(*SERVE, env={"HUBBUB_DATABASE__BUSY_TIMEOUT": "0.2"})

    assert str(workplace.database) in said
    assert "locked by another program" in said
    workplace.works()


@both
def test_a_file_that_is_no_database(workplace: Workplace, command: tuple[str, ...]) -> None:
    content = "This is not the file that you are looking for.\n" * 100
    workplace.database.write_text(content)

    said = workplace.refuses(*command)

    assert f"{workplace.database} is not a database" in said
    assert workplace.database.read_text() == content


def test_a_damaged_database(workplace: Workplace) -> None:
    with closing(sqlite3.connect(workplace.database)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
    content = bytearray(workplace.database.read_bytes())
    content[100:4096] = b"\xff" * 3996  # the root page of the schema, behind the file's header
    workplace.database.write_bytes(content)

    said = workplace.refuses(*SERVE)

    assert f"{workplace.database} is damaged" in said
    assert "backup" in said


def test_a_database_that_cant_be_read(workplace: Workplace) -> None:
    workplace.database.chmod(0)

    said = workplace.refuses(*SERVE, preexec_fn=obeying_modes)

    assert str(workplace.database) in said
    assert "permissions" in said


def test_a_folder_in_place_of_the_database(workplace: Workplace) -> None:
    workplace.database.unlink()
    workplace.database.mkdir()

    said = workplace.refuses(*SERVE)

    assert f"{workplace.database} can't be opened" in said


@both
def test_a_database_of_a_newer_hub(workplace: Workplace, command: tuple[str, ...]) -> None:
    with closing(sqlite3.connect(workplace.database)) as other:
        other.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
        other.commit()

    said = workplace.refuses(*command)

    assert "ffffffffffff" in said
    assert "newer" in said


def test_a_database_that_may_only_be_read(workplace: Workplace) -> None:
    workplace.database.chmod(0o400)

    said = workplace.refuses(*SERVE, preexec_fn=obeying_modes)

    assert "can't be written" in said
