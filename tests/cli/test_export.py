"""`hubbub export` and `hubbub import`, as an operator runs them."""

import gzip
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx2
import orjson
import pytest

from tests.exports.helpers import table
from tests.faults.processes import Running, Workplace, clean_environment
from tests.fixtures.factories import PASSWORD

ADMIN = "admin@example.com"
LINK = re.compile(r"http://\S+/reset\?token=([\w=-]+)")


class Hub(NamedTuple):
    work: Workplace
    running: Running
    client: httpx2.Client

    def post(self, path: str, **body: object) -> dict[str, str]:
        answer = self.client.post(f"/api/v1/{path}", json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, str] = answer.json()
        return made


@contextmanager
def signed_in(hub: Running, password: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=hub.url, timeout=30) as client:
        form = {"username": ADMIN, "password": password}
        tokens = client.post("/api/v1/auth/token", data=form).json()
        client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        yield client


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """One that serves all the while, with an agent that got a message."""
    env = clean_environment() | {"HUBBUB_ADMIN_EMAIL": ADMIN, "HUBBUB_ADMIN_PASSWORD": PASSWORD}
    work = Workplace(tmp_path_factory.mktemp("exported"), env)
    with work.serving() as running, signed_in(running, PASSWORD) as client:
        made = Hub(work, running, client)
        made.post("agents", name="bot")
        made.post("messages", to=["agent:bot"], content="=hello, ü")
        yield made


def elsewhere(folder: Path) -> Workplace:
    """An empty place, where nobody is made an admin by a setting."""
    work = Workplace(folder / "elsewhere", clean_environment())
    work.folder.mkdir()
    return work


def test_a_table_beside_a_hub_that_serves(hub: Hub) -> None:
    ended = hub.work.run("export", "messages")

    assert ended.returncode == 0, ended.stderr
    [row] = table(ended.stdout)
    assert (row["to"], row["content"]) == ('["agent:bot"]', "'=hello, ü")


def test_lines_of_a_span_of_time(hub: Hub) -> None:
    some = hub.work.run("export", "users", "--format", "jsonl", "--since", "2020-01-01")
    none = hub.work.run("export", "users", "--format", "jsonl", "--until", "2020-01-01T00:00:00Z")

    assert [orjson.loads(line)["email"] for line in some.stdout.splitlines()] == [ADMIN]
    assert (none.returncode, none.stdout) == (0, "")


def test_a_file_is_packed_and_its_owners_alone(hub: Hub) -> None:
    ended = hub.work.run("export", "users", "--gzip", "--output", "users.csv.gz")
    file = hub.work.folder / "users.csv.gz"

    assert (ended.returncode, ended.stdout) == (0, "")
    assert gzip.decompress(file.read_bytes()).startswith(b"id,name,email,")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not list(hub.work.folder.glob("*.part"))


def test_what_lies_beside_the_file_is_left_alone(hub: Hub, tmp_path: Path) -> None:
    file, theirs = tmp_path / "users.csv", tmp_path / "theirs"
    theirs.write_text("theirs")
    (tmp_path / "users.csv.part").symlink_to(theirs)

    assert hub.work.run("export", "users", "--output", str(file)).returncode == 0

    assert theirs.read_text() == "theirs"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not file.is_symlink()


def test_what_is_no_file_is_written_to_and_stays(hub: Hub, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    # opened both ways, so that neither side waits for the other
    descriptor = os.open(pipe, os.O_RDWR)
    try:
        ended = hub.work.run("export", "users", "--output", str(pipe))

        assert ended.returncode == 0, ended.stderr
        assert stat.S_ISFIFO(pipe.stat().st_mode)
        os.set_blocking(descriptor, False)
        [row] = table(os.read(descriptor, 65_536).decode())
        assert row["email"] == ADMIN
    finally:
        os.close(descriptor)


def test_what_makes_no_sense(hub: Hub) -> None:
    for wrong in (
        ["secrets"],
        ["users", "--format", "xml"],
        ["all", "--format", "csv"],
        ["all", "--since", "2020-01-01"],
    ):
        assert hub.work.run("export", *wrong).returncode == 2, wrong


def test_where_there_is_no_hub(tmp_path: Path) -> None:
    empty = elsewhere(tmp_path)

    assert empty.refuses("export", "users").startswith("there is no hub in ")
    assert not empty.database.exists()


def test_a_hub_moves(hub: Hub, tmp_path: Path) -> None:
    new = elsewhere(tmp_path)
    file = tmp_path / "hub.jsonl.gz"
    assert hub.work.run("export", "all", "--gzip", "--output", str(file)).returncode == 0

    ended = new.run("import", str(file))

    assert ended.returncode == 0, ended.stderr
    assert ADMIN in ended.stdout
    found = LINK.search(ended.stdout)
    assert found is not None, ended.stdout
    again = new.run("export", "all")
    assert again.stdout.encode() == gzip.decompress(file.read_bytes())
    with new.serving() as running:
        body = {"token": found[1], "new_password": "Another-horse8!"}
        chosen = httpx2.post(f"{running.url}/api/v1/auth/password-reset/confirm", json=body)
        assert chosen.is_success, chosen.text
        with signed_in(running, "Another-horse8!") as client:
            agents = client.get("/api/v1/agents").json()["items"]
            assert "bot" in [agent["name"] for agent in agents]
    assert new.refuses("import", str(file)).startswith("there is something in this hub")


def test_nothing_of_a_file_that_is_cut_off(hub: Hub, tmp_path: Path) -> None:
    new = elsewhere(tmp_path)
    whole = hub.work.run("export", "all").stdout.encode()
    part, packed = tmp_path / "part", tmp_path / "packed"
    part.write_bytes(whole[:-100])
    packed.write_bytes(gzip.compress(whole)[:-20])

    for file in (part, packed):
        said = f"nothing of {file} was imported: "
        assert new.refuses("import", str(file)).startswith(said)
    assert new.run("export", "users").stdout.count("\n") == 1


def test_not_into_a_hub_that_serves(hub: Hub, tmp_path: Path) -> None:
    file = tmp_path / "hub.jsonl"
    assert hub.work.run("export", "all", "--output", str(file)).returncode == 0

    assert "already serving" in hub.work.refuses("import", str(file))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "nowhere.jsonl" in elsewhere(tmp_path).refuses("import", "nowhere.jsonl")
