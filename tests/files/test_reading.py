"""Reading files: whole, in parts, small, and by whom."""

import hashlib
from datetime import UTC, datetime, timedelta
from io import BytesIO
from uuid import UUID

import httpx2
import pytest
from PIL import Image

from hubbub.files.drawing import draw
from hubbub.files.jobs import erase, sweep
from hubbub.files.keeping import content_key
from hubbub.files.service.events import FileDeleted
from hubbub.kit.blobs import Shown
from hubbub.kit.ids import new_id
from hubbub.kit.jobs import JobContext, NoArgs
from hubbub.kit.resources import Resources
from hubbub.settings import Settings
from tests.agents.helpers import key_of, make_agent
from tests.files.helpers import FILES, TEXT, path, picture, refusal, sent
from tests.fixtures.people import MakePerson, Person


async def test_the_whole(authenticated_user: Person) -> None:
    content = b"0123456789" * 100_000
    file = await sent(authenticated_user, content, "grüße.txt")

    answer = await authenticated_user.client.get(path(file, "content"))

    assert answer.status_code == 200
    assert answer.content == content
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["etag"] == f'"{hashlib.sha256(content).hexdigest()}"'
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        ("bytes=0-3", b"What"),
        ("bytes=5-", b"was said stays said.\n"),
        ("bytes=-6", b"said.\n"),
        ("bytes=20-9999", b"said.\n"),
        ("bytes=-9999", TEXT),
    ],
)
async def test_a_part(authenticated_user: Person, wanted: str, part: bytes) -> None:
    file = await sent(authenticated_user)

    answer = await authenticated_user.client.get(path(file, "content"), headers={"Range": wanted})

    assert answer.content == part
    if part != TEXT:
        start = TEXT.index(part) if wanted != "bytes=-6" else len(TEXT) - 6
        assert answer.status_code == 206
        if "9999" not in wanted:
            assert answer.headers["content-range"] == (
                f"bytes {start}-{start + len(part) - 1}/{len(TEXT)}"
            )


@pytest.mark.parametrize("wanted", ["bytes=26-", "bytes=999-1000", "bytes=-0"])
async def test_a_part_behind_the_end(authenticated_user: Person, wanted: str) -> None:
    file = await sent(authenticated_user)

    answer = await authenticated_user.client.get(path(file, "content"), headers={"Range": wanted})

    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(TEXT)}"


@pytest.mark.parametrize("wanted", ["bytes=5-2", "lines=1-2", "bytes=1-2,4-5", "bytes=-"])
async def test_a_range_that_means_nothing(authenticated_user: Person, wanted: str) -> None:
    file = await sent(authenticated_user)

    answer = await authenticated_user.client.get(path(file, "content"), headers={"Range": wanted})

    assert (answer.status_code, answer.content) == (200, TEXT)


@pytest.mark.parametrize(
    "headers",
    [{}, {"Range": "bytes=5-7"}, {"Range": "bytes=99-"}, {"If-None-Match": "*"}],
    ids=["the whole", "a part", "behind the end", "known"],
)
async def test_what_would_be_answered(authenticated_user: Person, headers: dict[str, str]) -> None:
    file = await sent(authenticated_user)
    client = authenticated_user.client

    read = await client.get(path(file, "content"), headers=headers)
    looked = await client.head(path(file, "content"), headers=headers)

    assert looked.status_code == read.status_code
    assert looked.is_error or looked.content == b""
    once = {"x-request-id", "x-process-time"}
    assert {name: each for name, each in looked.headers.items() if name not in once} == {
        name: each for name, each in read.headers.items() if name not in once
    }


async def test_what_would_be_answered_where_bytes_are_gone(
    authenticated_user: Person, hub: Resources
) -> None:
    file = await sent(authenticated_user)
    await hub.blobs.erase([content_key(UUID(file["id"]))])

    looked = await authenticated_user.client.head(path(file, "content"))

    assert looked.status_code == 410


async def test_who_has_it_already(authenticated_user: Person) -> None:
    file = await sent(authenticated_user)
    known = f'"{file["sha256"]}"'

    same = await authenticated_user.client.get(
        path(file, "content"), headers={"If-None-Match": f'"x", W/{known}'}
    )
    other = await authenticated_user.client.get(
        path(file, "content"), headers={"Range": "bytes=0-3", "If-Range": '"older"'}
    )

    assert (same.status_code, same.content) == (304, b"")
    assert (other.status_code, other.content) == (200, TEXT), "a part of another file's bytes"


async def test_others_see_nothing_of_it(
    authenticated_user: Person, people: MakePerson, admin: Person, client: httpx2.AsyncClient
) -> None:
    file = await sent(authenticated_user)
    stranger = await people()
    agent = await make_agent(stranger, "eve")

    for call in ("", "content", "thumbnail", "link"):
        address = path(file, call).rstrip("/")
        assert (await client.get(address)).status_code == 401
        for other in (stranger, admin):
            assert refusal(await other.client.get(address)) == (404, "file_not_found")
        found = await stranger.client.get(address, headers=key_of(agent))
        assert refusal(found) == (404, "file_not_found")
    assert refusal(await stranger.client.delete(path(file))) == (404, "file_not_found")
    assert (await stranger.client.get(FILES)).json()["items"] == []


async def test_an_owner_sees_what_their_agents_sent(authenticated_user: Person) -> None:
    agent = await make_agent(authenticated_user, "ada")
    answer = await authenticated_user.client.post(
        FILES, files={"file": ("a.txt", TEXT)}, headers=key_of(agent)
    )
    mine = await sent(authenticated_user, name="mine.txt")

    listed = (await authenticated_user.client.get(FILES)).json()["items"]
    by_agent = (await authenticated_user.client.get(FILES, headers=key_of(agent))).json()["items"]

    assert [each["id"] for each in listed] == [mine["id"], answer.json()["id"]]
    assert [each["id"] for each in by_agent] == [answer.json()["id"]]
    unseen = await authenticated_user.client.get(path(mine), headers=key_of(agent))
    assert refusal(unseen) == (404, "file_not_found")


async def test_the_files_of_a_deleted_agent_are_its_owners(authenticated_user: Person) -> None:
    client = authenticated_user.client
    agent = await make_agent(authenticated_user, "short-lived")
    form = {"file": ("a.txt", TEXT)}
    file = (await client.post(FILES, files=form, headers=key_of(agent))).json()
    assert (await client.delete(f"/api/v1/agents/{agent['id']}")).status_code == 204

    assert [each["id"] for each in (await client.get(FILES)).json()["items"]] == [file["id"]]
    assert (await client.delete(path(file))).status_code == 204


async def test_pages(authenticated_user: Person) -> None:
    made = [await sent(authenticated_user, name=f"{number}.txt") for number in range(3)]

    first = (await authenticated_user.client.get(FILES, params={"limit": 2})).json()
    rest = await authenticated_user.client.get(
        FILES, params={"limit": 2, "cursor": first["next_cursor"]}
    )

    names = [each["name"] for each in first["items"] + rest.json()["items"]]
    assert names == [each["name"] for each in reversed(made)]


async def test_a_small_picture(authenticated_user: Person) -> None:
    file = await sent(authenticated_user, picture((800, 400)))

    first = await authenticated_user.client.get(path(file, "thumbnail"), params={"size": 128})
    again = await authenticated_user.client.get(path(file, "thumbnail"), params={"size": 128})
    odd = await authenticated_user.client.get(path(file, "thumbnail"), params={"size": 100})

    assert first.headers["content-type"] == "image/webp"
    with Image.open(BytesIO(first.content)) as drawn:
        assert drawn.size == (128, 64)
    assert again.content == first.content
    assert odd.status_code == 422


async def test_no_small_picture_of_what_is_none(authenticated_user: Person) -> None:
    text = await sent(authenticated_user)
    broken = await sent(authenticated_user, picture()[:60])

    for file in (text, broken):
        answer = await authenticated_user.client.get(path(file, "thumbnail"))
        assert refusal(answer) == (404, "no_thumbnail")


def test_a_picture_that_would_fill_the_memory() -> None:
    assert draw(picture((10_000, 4_001)), 64) is None
    assert draw(picture((1_000, 1_000)), 64) is not None


async def test_no_link_where_the_hub_keeps_files_itself(authenticated_user: Person) -> None:
    answer = await authenticated_user.client.get(path(await sent(authenticated_user), "link"))

    assert refusal(answer) == (409, "no_links")


async def test_deleting_takes_the_bytes_too(authenticated_user: Person, hub: Resources) -> None:
    file = await sent(authenticated_user, picture())
    await authenticated_user.client.get(path(file, "thumbnail"))

    assert (await authenticated_user.client.delete(path(file))).status_code == 204
    assert refusal(await authenticated_user.client.get(path(file))) == (404, "file_not_found")
    await erase.handler(JobContext(hub, new_id(), 1), FileDeleted(file_id=file["id"]))

    assert [each async for each in hub.blobs.list("")] == []


async def test_bytes_that_are_gone(authenticated_user: Person, hub: Resources) -> None:
    file = await sent(authenticated_user)
    await hub.blobs.erase([f"files/{file['id']}"])

    answer = await authenticated_user.client.get(path(file, "content"))

    assert refusal(answer) == (410, "file_lost")


async def test_what_is_left_of_a_kill_is_swept(
    authenticated_user: Person,
    hub: Resources,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the store leaves it: tests/faults kills a hub."""
    file = await sent(authenticated_user)
    folder = settings.data_dir / "blobs" / "files"
    left = folder / f"{new_id()}#1"
    left.write_bytes(b"half of it")
    context = JobContext(hub, new_id(), 1)

    await sweep.handler(context, NoArgs())
    assert left.exists(), "it may be on its way"

    tomorrow = datetime.now(UTC) + timedelta(days=1, minutes=1)
    monkeypatch.setattr(type(hub.clock), "now", lambda _: tomorrow)
    await sweep.handler(context, NoArgs())

    assert [each.name for each in folder.iterdir()] == [file["id"]]


async def test_what_no_file_knows_of_is_swept(
    authenticated_user: Person, hub: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def content() -> object:
        yield b"lost"

    file = await sent(authenticated_user)
    await hub.blobs.put(content_key(new_id()), content(), Shown("text/plain", "inline"))  # type: ignore[arg-type]
    await hub.blobs.put("files/README", content(), Shown("text/plain", "inline"))  # type: ignore[arg-type]
    context = JobContext(hub, new_id(), 1)

    await sweep.handler(context, NoArgs())
    assert len([each async for each in hub.blobs.list("files/")]) == 3, "it may be on its way"

    tomorrow = datetime.now(UTC) + timedelta(days=1, minutes=1)
    monkeypatch.setattr(type(hub.clock), "now", lambda _: tomorrow)
    await sweep.handler(context, NoArgs())

    left = {each.key async for each in hub.blobs.list("files/")}
    assert left == {f"files/{file['id']}", "files/README"}
