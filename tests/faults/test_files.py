"""A hub that is killed while files come in, and how much of them it ever holds."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import psutil

from hubbub.kit.blobs.folder import FolderBlobs
from tests.faults.processes import Running, Workplace, until
from tests.files.helpers import picture
from tests.fixtures.factories import PASSWORD

ADMIN = "admin@example.com"
FILES = "/api/v1/files"
BOUNDARY = "--x"
HEAD = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
).encode()
END = f"\r\n--{BOUNDARY}--\r\n".encode()
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
PIECE = b"x" * 1024 * 1024


@contextmanager
def signed_in(hub: Running) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=hub.url, timeout=60) as client:
        form = {"username": ADMIN, "password": PASSWORD}
        tokens = client.post("/api/v1/auth/token", data=form).json()
        client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        yield client


def form(pieces: int, *, then: threading.Event | None = None) -> Iterator[bytes]:
    yield HEAD
    for _ in range(pieces):
        yield PIECE
    if then is not None:
        then.wait(60)
    yield END


def kept(workplace: Workplace) -> list[Path]:
    return [each for each in (workplace.data / "blobs").rglob("*") if each.is_file()]


def test_a_kill_in_the_middle_leaves_no_file_and_what_was_answered_stays(
    workplace: Workplace,
) -> None:
    env = {"HUBBUB_ADMIN_EMAIL": ADMIN, "HUBBUB_ADMIN_PASSWORD": PASSWORD}
    go_on = threading.Event()
    with workplace.serving(env=env) as hub, signed_in(hub) as client:
        whole = client.post(FILES, content=form(2), headers=FORM)
        assert whole.status_code == 201, whole.text

        def upload() -> None:
            with signed_in(hub) as other:
                try:
                    other.post(FILES, content=form(3, then=go_on), headers=FORM)
                except httpx2.TransportError:
                    return

        sending = threading.Thread(target=upload)
        sending.start()
        until(lambda: len(kept(workplace)) > 1)
        hub.process.send_signal(signal.SIGKILL)
        hub.process.wait(30)
        go_on.set()
        sending.join(60)
    [half] = [each for each in kept(workplace) if "#" in each.name]
    asyncio.run(FolderBlobs(workplace.data / "blobs").tidy("files/", datetime.now(UTC)))
    assert not half.exists(), "what the sweep calls erases it"
    with workplace.serving(env=env) as hub, signed_in(hub) as client:
        listed = client.get(FILES).json()["items"]
        assert [each["id"] for each in listed] == [whole.json()["id"]]
        content = client.get(f"{FILES}/{listed[0]['id']}/content").content
        assert content == PIECE * 2
        again = client.post(FILES, content=form(1), headers=FORM)
        assert again.status_code == 201


def test_an_upload_is_never_held_in_memory(workplace: Workplace) -> None:
    env = {
        "HUBBUB_ADMIN_EMAIL": ADMIN,
        "HUBBUB_ADMIN_PASSWORD": PASSWORD,
        "HUBBUB_FILES__MAX_BYTES": str(300 * len(PIECE)),
    }
    with workplace.serving(env=env) as hub, signed_in(hub) as client:
        assert client.post(FILES, content=form(8), headers=FORM).status_code == 201
        seen = psutil.Process(hub.process.pid)
        before, most = seen.memory_info().rss, 0

        def watched() -> Iterator[bytes]:
            nonlocal most
            for piece in form(200):
                most = max(most, seen.memory_info().rss)
                yield piece

        answer = client.post(FILES, content=watched(), headers=FORM)

        assert answer.json()["size"] == 200 * len(PIECE)
        assert most - before < 30 * len(PIECE), "the hub holds what it is sent"


def test_a_hub_draws_small_pictures_however_it_was_started(workplace: Workplace) -> None:
    env = {"HUBBUB_ADMIN_EMAIL": ADMIN, "HUBBUB_ADMIN_PASSWORD": PASSWORD}
    with workplace.serving(env=env) as hub, signed_in(hub) as client:
        file = client.post(FILES, files={"file": ("a.png", picture())}).json()
        drawn = client.get(f"{FILES}/{file['id']}/thumbnail", params={"size": 64})
        assert (drawn.status_code, drawn.headers["Content-Type"]) == (200, "image/webp")
