"""An import that is killed in the middle leaves an empty hub, which the next one fills."""

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from hubbub.exports.hub.leaving import first_line
from hubbub.kit.ids import new_id
from tests.faults.processes import Workplace, end, until
from tests.faults.test_everyone import ask, opened

MANY = 40_000
STORING = """
    SELECT count(*) FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
    WHERE c.relname = 'user' AND l.mode = 'RowExclusiveLock' AND l.granted
"""


@pytest.fixture
def place(live_place: Workplace) -> Workplace:
    for name in ("HUBBUB_ADMIN_EMAIL", "HUBBUB_ADMIN_PASSWORD"):
        del live_place.env[name]
    assert live_place.run("migrate").returncode == 0
    return live_place


def lines(users: int) -> Iterator[bytes]:
    yield orjson.dumps(first_line()) + b"\n"
    for number in range(users):
        name = f"user-{number}"
        line = {
            "kind": "user",
            "id": str(new_id()),
            "email": f"{name}@example.com",
            "username": name,
            "username_key": name,
            "full_name": "x" * 100,
            "name_key": "x" * 100,
            "website": None,
            "role": "member",
            "is_active": True,
            "created_at": "2026-01-31T23:59:59.000000Z",
            "updated_at": None,
        }
        yield orjson.dumps(line) + b"\n"


def written(path: Path, users: int) -> str:
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for line in lines(users):
            digest.update(line)
            file.write(line)
        last = {"kind": "end", "counts": {"user": users}, "sha256": digest.hexdigest()}
        file.write(orjson.dumps(last) + b"\n")
    return str(path)


def asked(place: Workplace, question: str) -> int:
    async def look() -> int:
        database = opened(place)
        try:
            return int(await ask(database, question))
        finally:
            await database.close()

    return asyncio.run(look())


def is_storing(place: Workplace) -> Callable[[], bool]:
    """Whether rows of the import have left its memory."""
    if "HUBBUB_DATABASE_URL" in place.env:
        return lambda: asked(place, STORING) > 0
    log = place.database.with_name("hubbub.db-wal")
    return lambda: log.exists() and log.stat().st_size > 1024 * 1024


async def test_killed_in_the_middle(place: Workplace) -> None:
    await asyncio.to_thread(kill_in_the_middle, place)


def kill_in_the_middle(place: Workplace) -> None:
    large, small = written(place.folder / "large", MANY), written(place.folder / "small", 3)
    killed = place.start("import", large)
    try:
        until(is_storing(place))
    finally:
        killed.kill()
        end(killed)
    assert asked(place, 'SELECT count(*) FROM "user"') == 0

    ended = place.run("import", small)

    assert ended.returncode == 0, ended.stderr
    assert "Imported: user 3." in ended.stdout
    assert asked(place, 'SELECT count(*) FROM "user"') == 3
    assert "there is something in this hub" in place.refuses("import", small)
    place.works()
