"""`hubbub backup`, `hubbub restore` and `hubbub new-epoch`, as an operator runs them."""

import asyncio
import errno
import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
import stat
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx2
import pytest

from hubbub.backup.unfinished import unfinished_folder
from tests.faults.processes import HUBBUB, Running, Workplace, clean_environment, end
from tests.faults.storm import SETTINGS, begin, calling, inbox, storming, until
from tests.fixtures.factories import PASSWORD

FILE = b"what was sent in\n"


@pytest.fixture
def work(tmp_path: Path) -> Workplace:
    folder = tmp_path / "work"
    folder.mkdir()
    return Workplace(folder, clean_environment() | SETTINGS)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A hub that stands still, with a file and an agent whose gateway wants a token."""
    work = Workplace(tmp_path_factory.mktemp("original"), clean_environment() | SETTINGS)
    with work.serving() as hub, signed_in(hub) as client:
        client.post("/api/v1/files", files={"file": ("a.txt", FILE)}).raise_for_status()
        agent = {
            "name": "pushed",
            "gateway_kind": "openclaw",
            "gateway_url": "http://127.0.0.1:9",
            "gateway_token": "the-gateways-own-token",
        }
        kept = {"Idempotency-Key": "pushed"}
        client.post("/api/v1/agents", json=agent, headers=kept).raise_for_status()
    return work


@contextmanager
def signed_in(hub: Running) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=hub.url, timeout=60) as client:
        form = {"username": "admin@example.com", "password": PASSWORD}
        tokens = client.post("/api/v1/auth/token", data=form).json()
        client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        yield client


def succeeds(work: Workplace, *args: str) -> str:
    ended = work.run(*args)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def gateway_finding(client: httpx2.Client) -> str:
    agents = client.get("/api/v1/agents").json()["items"]
    [pushed] = [each["id"] for each in agents if each["name"] == "pushed"]
    return str(client.post(f"/api/v1/agents/{pushed}/gateway/test").json()["diagnosis"])


def everything(folder: Path) -> dict[str, bytes]:
    return {
        str(each.relative_to(folder)): each.read_bytes()
        for each in folder.rglob("*")
        if each.is_file()
    }


async def test_what_was_accepted_before_a_backup_is_in_it(work: Workplace) -> None:
    with work.serving() as hub:
        storm = await begin(hub)
        [agent_id, *_] = storm.recipients
        async with storming([hub], storm):
            await until(lambda: len(storm.answered) > 200)
            before = dict(storm.answered)
            await asyncio.to_thread(succeeds, work, "backup", "copy")
            await until(lambda: len(storm.answered) > len(before) + 200)
        old = (await inbox(hub, agent_id, storm.recipients[agent_id]))[-1]["seq"]
        async with calling(hub, storm.recipients[agent_id]) as client:
            page = await client.get(f"/api/v1/agents/{agent_id}/inbox")
            cursor = page.json()["next_cursor"]

    said = succeeds(work, "restore", "copy", "--data-dir", "again")
    assert "Missing: secret_key" in said
    assert "deleted" not in said

    with work.serving("--data-dir", "again") as hub:
        found: dict[str, str] = {}
        for each, key in storm.recipients.items():
            entries = await inbox(hub, each, key)
            assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
            found |= {
                entry["message"]["content"].strip(): entry["message"]["id"] for entry in entries
            }
        assert before.items() <= found.items() <= storm.answered.items()
        async with calling(hub, storm.recipients[agent_id]) as client:
            path = f"/api/v1/agents/{agent_id}/inbox"
            answer = await client.get(path, params={"after": cursor})
            assert (answer.status_code, answer.json()["reset"]["reason"]) == (409, "another_epoch")
        assert len(await inbox(hub, agent_id, storm.recipients[agent_id])) <= old
        # numbers go on without a gap
        async with calling(hub, storm.key) as client:
            last = len(await inbox(hub, agent_id, storm.recipients[agent_id]))
            sent = await client.post(
                "/api/v1/messages", json={"to_agent_id": agent_id, "content": "after it"}
            )
            assert sent.status_code == 201, sent.text
        newest = (await inbox(hub, agent_id, storm.recipients[agent_id]))[-1]
        assert (newest["seq"], newest["message"]["content"]) == (last + 1, "after it")


def test_secrets_stay_out_unless_they_are_wanted(original: Workplace, tmp_path: Path) -> None:
    without, whole = tmp_path / "without", tmp_path / "with"
    assert "Not in it: secret_key and encryption_keys" in succeeds(original, "backup", str(without))
    succeeds(original, "backup", str(whole), "--with-secrets")
    for name in ("secret_key", "encryption_keys"):
        secret = (original.data / name).read_bytes()
        assert (whole / name).read_bytes() == secret
        assert stat.S_IMODE((whole / name).stat().st_mode) == 0o600
        assert not any(secret.strip() in each for each in everything(without).values())
    assert stat.S_IMODE(whole.stat().st_mode) == 0o700
    assert stat.S_IMODE((whole / "hubbub.db").stat().st_mode) == 0o600


def test_a_hub_restored_without_its_secrets_works_and_says_what_is_missing(
    original: Workplace, work: Workplace
) -> None:
    succeeds(original, "backup", str(work.folder / "copy"))
    said = succeeds(work, "restore", "copy")
    assert "Missing: secret_key" in said
    assert "Missing: encryption_keys" in said
    with work.serving() as hub, signed_in(hub) as client:
        [file] = client.get("/api/v1/files").json()["items"]
        assert client.get(f"/api/v1/files/{file['id']}/content").content == FILE
        assert gateway_finding(client) == "token_unreadable"


def test_a_first_answer_that_cannot_be_read_is_a_conflict(
    original: Workplace, work: Workplace
) -> None:
    succeeds(original, "backup", str(work.folder / "copy"))
    succeeds(work, "restore", "copy")
    shutil.copy(original.data / "secret_key", work.data)
    with work.serving() as hub, signed_in(hub) as client:
        again = client.post(
            "/api/v1/agents", json={"name": "pushed"}, headers={"Idempotency-Key": "pushed"}
        )
        assert (again.status_code, again.json()["code"]) == (409, "idempotency_key_reused")
        assert "can't be read any more" in again.json()["detail"]


def test_a_hub_restored_with_its_secrets_goes_on(original: Workplace, work: Workplace) -> None:
    succeeds(original, "backup", str(work.folder / "copy"), "--with-secrets")
    assert "Missing" not in succeeds(work, "restore", "copy")
    with work.serving() as hub, signed_in(hub) as client:
        assert gateway_finding(client) == "unreachable"
    acts = succeeds(work, "audit", "verify")
    assert "is as it was written" in acts


def test_nothing_is_overwritten(original: Workplace, work: Workplace) -> None:
    succeeds(original, "backup", str(work.folder / "copy"))
    before = everything(work.folder / "copy")
    assert "is there already" in original.refuses("backup", str(work.folder / "copy"))
    assert everything(work.folder / "copy") == before
    succeeds(work, "restore", "copy")
    before = everything(work.data)
    assert "nothing is overwritten" in work.refuses("restore", "copy")
    assert everything(work.data) == before
    with work.serving():
        assert "already serving" in work.refuses("restore", "copy")


def test_secrets_that_wait_in_the_folder_are_used(original: Workplace, work: Workplace) -> None:
    succeeds(original, "backup", str(work.folder / "copy"))
    work.data.mkdir()
    for name in ("secret_key", "encryption_keys"):
        shutil.copy(original.data / name, work.data)
    assert "Missing" not in succeeds(work, "restore", "copy")


def test_what_a_restore_left_that_was_cut_off_is_in_nobodys_way(
    original: Workplace, work: Workplace
) -> None:
    succeeds(original, "backup", str(work.folder / "copy"))
    (work.data / ".restoring").mkdir(parents=True)
    (work.data / ".restoring" / "hubbub.db").write_bytes(b"half of it")
    succeeds(work, "restore", "copy")
    assert not (work.data / ".restoring").exists()
    work.works()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE alembic_version SET version_num = 'zzzz'", "made by a newer version"),
        ("DROP TABLE alembic_version", "not one of a hub"),
        (
            "CREATE TRIGGER evil AFTER INSERT ON message BEGIN DELETE FROM delivery; END",
            "has a trigger that no hub has",
        ),
        (
            (
                "DROP TRIGGER search_entry_ai; CREATE TRIGGER search_entry_ai AFTER INSERT ON"
                " search_entry BEGIN DELETE FROM delivery; END"
            ),
            "has a trigger that no hub has",
        ),
        ("DROP TRIGGER search_entry_ai", "lacks a trigger that each hub has"),
        ("CREATE VIEW evil AS SELECT 1", "has a view that no hub has"),
        ("CREATE TABLE evil (id)", "has a table that no hub has"),
        ("ALTER TABLE message ADD evil AS (1)", "has a table that no hub has"),
        ("CREATE UNIQUE INDEX evil ON message (sender_id)", "has an index that no hub has"),
        ("DROP INDEX ix_message_thread", "lacks an index that each hub has"),
    ],
)
def test_a_database_that_is_not_a_hubs_is_refused(
    original: Workplace, work: Workplace, change: str, said: str
) -> None:
    copy = work.folder / "copy"
    succeeds(original, "backup", str(copy))
    with closing(sqlite3.connect(copy / "hubbub.db", autocommit=True)) as database:
        database.executescript(change)
    manifest = json.loads((copy / "manifest.json").read_text())
    changed = hashlib.sha256((copy / "hubbub.db").read_bytes()).hexdigest()
    (copy / "manifest.json").write_text(json.dumps(manifest | {"database_sha256": changed}))

    assert said in work.refuses("restore", "copy")
    assert not work.database.exists()


def test_a_damaged_backup_is_refused(original: Workplace, work: Workplace) -> None:
    copy = work.folder / "copy"
    succeeds(original, "backup", str(copy))
    with (copy / "hubbub.db").open("r+b") as database:
        database.seek(5000)
        database.write(b"another byte")
    assert "not as it was written" in work.refuses("restore", "copy")
    (copy / "manifest.json").write_text(json.dumps({"format": 2}))
    assert "holds no backup" in work.refuses("restore", "copy")
    assert "holds no backup" in work.refuses("restore", "nowhere")
    assert not (work.data / "hubbub.db").exists()


def test_a_backup_without_some_of_its_files_is_restored_and_says_so(
    original: Workplace, work: Workplace
) -> None:
    succeeds(original, "backup", str(work.folder / "copy"))
    [kept] = (work.folder / "copy" / "blobs" / "files").iterdir()
    kept.unlink()
    assert "deleted while the backup was made, or are lost: 1" in succeeds(work, "restore", "copy")


def test_files_on_another_disk_are_in_it(original: Workplace, work: Workplace) -> None:
    shutil.copytree(original.data, work.data)
    files, moved = work.data / "blobs" / "files", work.folder / "larger disk"
    files.rename(moved)
    files.symlink_to(moved)
    assert "lost" not in succeeds(work, "backup", "copy")
    [kept] = (work.folder / "copy" / "blobs" / "files").iterdir()
    assert (kept.is_symlink(), kept.read_bytes()) == (False, FILE)

    files.unlink()
    assert "or are lost: 1" in succeeds(work, "backup", "without")


def test_a_backup_is_not_made_in_what_it_copies(original: Workplace) -> None:
    inside = original.data / "blobs" / "copy"
    assert "inside of what is copied" in original.refuses("backup", str(inside))
    assert not inside.exists()


def test_a_link_in_a_backup_leads_nowhere(original: Workplace, work: Workplace) -> None:
    secret = work.folder / "secret"
    secret.write_text("another's")
    for name in ("blobs/files/link", "blobs/thumbnails", "secret_key"):
        copy = work.folder / name.replace("/", "-")
        succeeds(original, "backup", str(copy))
        (copy / name).symlink_to(secret)
        assert "is neither a file nor a folder" in work.refuses("restore", str(copy))
        assert not work.data.exists()


def test_a_backup_that_is_no_file_holds_nobody_up(original: Workplace, work: Workplace) -> None:
    copy = work.folder / "copy"
    succeeds(original, "backup", str(copy))
    (copy / "manifest.json").unlink()
    os.mkfifo(copy / "manifest.json")
    assert "is neither a file nor a folder" in work.refuses("restore", "copy")


def test_where_there_is_no_hub_there_is_nothing_to_back_up(work: Workplace) -> None:
    assert "there is no hub in" in work.refuses("backup", "copy")
    assert not (work.folder / "copy").exists()
    assert not work.database.exists()


def test_postgresql_has_its_own_tools(work: Workplace) -> None:
    env = {"HUBBUB_DATABASE_URL": "postgresql://hubbub@127.0.0.1:9/hubbub"}
    assert "pg_dump" in work.refuses("backup", "copy", env=env)
    (work.folder / "copy").mkdir()
    assert "pg_restore" in work.refuses("restore", "copy", env=env)


async def test_a_new_epoch_ends_the_cursors_of_the_old_one(work: Workplace) -> None:
    async def cursor(hub: Running) -> str:
        async with calling(hub, storm.recipients[agent_id]) as client:
            page = await client.get(f"/api/v1/agents/{agent_id}/inbox")
            return str(page.json()["epoch"])

    with work.serving() as hub:
        storm = await begin(hub, recipients=1)
        [agent_id] = storm.recipients
        before = await cursor(hub)
        assert "already serving" in work.refuses("new-epoch")
    succeeds(work, "new-epoch")
    with work.serving() as hub:
        assert await cursor(hub) != before


IN_THE_MIDDLE = """
import sys, time
from pathlib import Path
from hubbub.backup.unfinished import unfinished_folder
with unfinished_folder(Path("copy").absolute()) as folder:
    (folder / "blobs").mkdir()
    print(folder, flush=True)
    time.sleep(600)
"""


def test_what_a_backup_left_that_was_killed_is_taken_away(
    original: Workplace, work: Workplace
) -> None:
    shutil.copytree(original.data, work.data)
    mine = work.folder / ".copy.unfinished"
    mine.mkdir()
    making = [sys.executable, "-c", IN_THE_MIDDLE]
    killed, living = work.start(program=making), work.start(program=making)
    try:
        folders = [Path(each.stdout.readline().strip()) for each in (killed, living) if each.stdout]
        assert all((folder / "blobs").is_dir() for folder in folders)
        killed.kill()
        killed.wait()

        succeeds(work, "backup", "copy")

        assert [folder.exists() for folder in folders] == [False, True]
        assert mine.exists()
    finally:
        living.kill()
        for each in (killed, living):
            end(each)


def test_where_no_folder_can_be_locked_nothing_is_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EBADF, "as NFS says it")

    monkeypatch.setattr(fcntl, "flock", refuse)
    left = tmp_path / ".copy.abcdefgh.unfinished"
    left.mkdir()

    with unfinished_folder(tmp_path / "copy") as folder:
        assert folder.is_dir()

    assert list(tmp_path.iterdir()) == [left]


@pytest.mark.parametrize("room", ["128k", "8m"], ids=["for the database", "for the files"])
def test_a_disk_that_is_full_is_named(original: Workplace, work: Workplace, room: str) -> None:
    shutil.copytree(original.data, work.data)
    (work.data / "blobs" / "large").write_bytes(os.urandom(9 * 1024 * 1024))
    (work.folder / "small").mkdir()
    mount = f'mount -t tmpfs -o size={room} tmpfs small && "$@"; ended=$?; ls -A small; exit $ended'
    mounted = ["unshare", "-rm", "sh", "-c", mount, "sh"]
    if work.run(program=[*mounted, "true"]).returncode != 0:
        pytest.skip("this machine forbids mounts")

    ended = work.run("backup", "small/copy", program=[*mounted, *HUBBUB])

    assert ended.returncode == 1
    assert f"no room for the backup in {work.folder / 'small'}:" in ended.stderr
    assert str(work.data) not in ended.stderr
    assert ended.stdout == "", "something is left"
