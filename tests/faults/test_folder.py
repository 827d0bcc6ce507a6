"""What is wrong with the folder of the hub's data."""

import resource
from functools import partial

import pytest

from tests.faults.processes import HUBBUB, UVICORN, Workplace, obeying_modes

both_ways = pytest.mark.parametrize(
    ("program", "args"),
    [(HUBBUB, ["serve", "--port", "0"]), (UVICORN, [])],
    ids=["serve", "uvicorn"],
)


@both_ways
def test_a_file_is_no_data_folder(
    workplace: Workplace, program: list[str], args: list[str]
) -> None:
    workplace.data.write_text("something")

    said = workplace.refuses(*args, program=program)

    assert "is a file" in said
    assert "HUBBUB_DATA_DIR" in said
    assert workplace.data.read_text() == "something"


def test_nothing_is_below_a_file(workplace: Workplace) -> None:
    workplace.data.write_text("something")

    said = workplace.refuses("serve", "--port", "0", "--data-dir", str(workplace.data / "below"))

    assert "HUBBUB_DATA_DIR" in said


def test_a_folder_that_cant_be_written(workplace: Workplace) -> None:
    workplace.data.mkdir(mode=0o500)

    said = workplace.refuses("serve", "--port", "0", preexec_fn=obeying_modes)

    assert str(workplace.data) in said
    assert "can't be written (Permission denied)" in said
    assert not list(workplace.data.iterdir())


def test_a_secret_that_cant_be_read(workplace: Workplace) -> None:
    workplace.data.mkdir()
    secret = workplace.data / "secret_key"
    secret.write_text("0" * 64)
    secret.chmod(0)

    said = workplace.refuses("serve", "--port", "0", preexec_fn=obeying_modes)

    assert str(secret) in said
    assert "permissions" in said


def test_a_second_server_on_the_folder(workplace: Workplace) -> None:
    with workplace.serving() as first:
        said = workplace.refuses("serve", "--port", "0")

        assert "exactly one process" in said
        assert "HUBBUB_DATABASE_URL" in said
        assert first.ready()


def test_more_than_one_worker_on_an_embedded_hub(workplace: Workplace) -> None:
    said = workplace.refuses("serve", "--port", "0", "--workers", "2")

    assert "exactly one process" in said
    assert not workplace.data.exists()


def test_a_disk_without_room(workplace: Workplace) -> None:
    """A limit on the size of files stands for a full disk: it needs no privileges."""
    for room in (100, 60_000):
        limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (room, room))

        said = workplace.refuses("serve", "--port", "0", preexec_fn=limit)

        assert "free" in said
        assert "space" in said

    workplace.works()


def test_a_disk_that_fills_up_while_migrating(workplace: Workplace) -> None:
    """A real one: a small file system of our own, in a mount namespace that ends with the test."""
    hubbub = " ".join(HUBBUB)
    script = f"""
        set -e
        mount -t tmpfs -o size=2m tmpfs data
        head -c 2060000 /dev/zero > data/filler
        {hubbub} migrate && exit 1
        rm data/filler
        {hubbub} migrate
        {hubbub} migrate --check
    """
    workplace.data.mkdir()
    ended = workplace.run("-rm", "sh", "-c", script, program=["unshare"])

    if "unshare" in ended.stderr or "mount:" in ended.stderr:
        pytest.skip("this machine forbids mounts; the test above covers it by a limit")
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert "free some space" in ended.stderr
    assert ended.stdout.count("up to date") == 2


def test_a_settings_file_that_cant_be_read(workplace: Workplace) -> None:
    (workplace.folder / "hubbub.toml").write_text("port = = 1")

    said = workplace.refuses("serve", "--port", "0")

    assert "hubbub.toml" in said
