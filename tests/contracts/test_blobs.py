"""What every blob store promises, asked of each: the folder, and S3 with a real server."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from moto.server import ThreadedMotoServer

from hubbub.kit.blobs import BlobMissing, BlobStore, BlobsUnavailable, Shown
from hubbub.kit.blobs.folder import FolderBlobs
from hubbub.kit.blobs.s3 import S3Blobs

SHOWN = Shown("text/plain", 'attachment; filename="a.txt"')
MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def blobs(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> BlobStore:
    if request.param == "folder":
        return FolderBlobs(tmp_path / "blobs")
    endpoint = request.getfixturevalue("s3")
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    bucket = tmp_path.name.replace("_", "-").lower()[:60].strip("-.[]").replace("[", "-")
    urlopen(Request(f"{endpoint}/{bucket}", method="PUT")).close()
    return S3Blobs(bucket, "hub")


async def pieces(*content: bytes, fails: bool = False) -> AsyncIterator[bytes]:
    for piece in content:
        await asyncio.sleep(0)
        yield piece
    if fails:
        raise RuntimeError


async def read(blobs: BlobStore, key: str, start: int = 0, end: int = 100 * MEBIBYTE) -> bytes:
    return b"".join([piece async for piece in blobs.read(key, start, end)])


async def keys(blobs: BlobStore, prefix: str = "") -> list[str]:
    return sorted([each.key async for each in blobs.list(prefix)])


async def test_gives_back_what_was_put(blobs: BlobStore) -> None:
    large = [os.urandom(MEBIBYTE) for _ in range(12)]
    small_hash = await blobs.put("files/small", pieces(b"he", b"llo"), SHOWN)
    large_hash = await blobs.put("files/large", pieces(*large), SHOWN)

    assert await read(blobs, "files/small", 0, 5) == b"hello"
    assert await read(blobs, "files/small", 1, 3) == b"el"
    assert await read(blobs, "files/small", 3, 3) == b""
    whole = b"".join(large)
    assert small_hash == sha256(b"hello").hexdigest()
    assert large_hash == sha256(whole).hexdigest()
    assert await read(blobs, "files/large", 0, len(whole)) == whole
    assert (
        await read(blobs, "files/large", 5 * MEBIBYTE - 1, 5 * MEBIBYTE + 1)
        == (whole[5 * MEBIBYTE - 1 : 5 * MEBIBYTE + 1])
    )


@pytest.mark.parametrize("count", [0, 1, 11])
async def test_what_fails_in_the_middle_leaves_nothing(blobs: BlobStore, count: int) -> None:
    content = pieces(*[b"x" * MEBIBYTE] * count, fails=True)

    with pytest.raises(RuntimeError):
        await blobs.put("files/a", content, SHOWN)

    assert await keys(blobs) == []
    with pytest.raises(BlobMissing):
        await read(blobs, "files/a")


async def test_who_is_cancelled_leaves_nothing(blobs: BlobStore) -> None:
    begun, never, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def content() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * MEBIBYTE
        begun.set()
        try:
            await never.wait()
        finally:
            ended.set()

    putting = asyncio.create_task(blobs.put("files/a", content(), SHOWN))
    await begun.wait()
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting

    async with asyncio.timeout(5):
        await ended.wait()
    assert await keys(blobs) == []


async def test_who_is_cancelled_while_it_gets_its_name_leaves_nothing(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    putting = asyncio.create_task(blobs.put("files/a", pieces(b"x"), SHOWN))
    for _ in iter((tmp_path / "files" / "a").exists, True):
        await asyncio.sleep(0)  # at the next turn of the loop, while the folders are synced
    putting.cancel()

    [ended] = await asyncio.gather(putting, return_exceptions=True)

    assert await keys(blobs) == (["files/a"] if isinstance(ended, str) else [])


async def test_erases_any_number_and_what_is_not_there(blobs: BlobStore) -> None:
    for name in "abc":
        await blobs.put(f"files/{name}", pieces(b"x"), SHOWN)

    await blobs.erase(["files/a", "files/never", "files/c"])
    await blobs.erase([])

    assert await keys(blobs) == ["files/b"]


async def test_lists_by_prefix_with_sizes(blobs: BlobStore) -> None:
    await blobs.put("files/a", pieces(b"123"), SHOWN)
    await blobs.put("thumbnails/a/64", pieces(b"1"), SHOWN)

    [found] = [each async for each in blobs.list("files/")]
    assert (found.key, found.size) == ("files/a", 3)
    assert found.at.tzinfo is not None
    assert await keys(blobs, "thumbnails/") == ["thumbnails/a/64"]
    assert await keys(blobs, "reports/") == []


async def test_a_link_where_there_is_one(blobs: BlobStore) -> None:
    await blobs.put("files/a", pieces(b"hello"), SHOWN)

    link = await blobs.link("files/a", timedelta(minutes=1))

    if isinstance(blobs, FolderBlobs):
        assert link is None
        return
    assert link is not None
    with await asyncio.to_thread(urlopen, link) as answer:
        assert answer.read() == b"hello"
        assert answer.headers["Content-Disposition"] == SHOWN.disposition


async def test_a_store_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    blobs = S3Blobs("bucket", "")

    with pytest.raises(BlobsUnavailable):
        await blobs.put("files/a", pieces(b"x"), SHOWN)


class TestFolder:
    async def test_on_another_disk(self, tmp_path: Path) -> None:
        blobs = FolderBlobs(tmp_path / "blobs")
        (tmp_path / "large").mkdir()
        (tmp_path / "blobs" / "files").symlink_to(tmp_path / "large")

        await blobs.put("files/a", pieces(b"hello"), SHOWN)

        assert (tmp_path / "large" / "a").read_bytes() == b"hello"
        assert await keys(blobs) == await keys(blobs, "files/") == ["files/a"]

    async def test_links_that_lead_back(self, tmp_path: Path) -> None:
        blobs = FolderBlobs(tmp_path)
        await blobs.put("files/a", pieces(b"hello"), SHOWN)
        for number in range(2):
            (tmp_path / "files" / f"again-{number}").symlink_to(tmp_path / "files")
            (tmp_path / f"other-{number}").symlink_to(tmp_path / "files")

        assert await keys(blobs) == await keys(blobs, "files/") == ["files/a"]

    async def test_what_is_erased_is_read_to_its_end(self, tmp_path: Path) -> None:
        blobs = FolderBlobs(tmp_path)
        await blobs.put("files/a", pieces(b"x" * MEBIBYTE), SHOWN)
        reading = blobs.read("files/a", 0, MEBIBYTE)
        first = await anext(reading)
        await blobs.erase(["files/a"])

        others = [piece async for piece in reading]

        assert others
        assert len(first + b"".join(others)) == MEBIBYTE

    async def test_a_disk_that_takes_no_more(self, tmp_path: Path) -> None:
        blobs = FolderBlobs(tmp_path)
        (tmp_path / "files").symlink_to("/proc/self")  # where nobody can make a file

        with pytest.raises(BlobsUnavailable):
            await blobs.put("files/a", pieces(b"x"), SHOWN)
