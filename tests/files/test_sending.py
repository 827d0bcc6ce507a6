"""Sending files in: what is taken, what is refused, and what is left behind."""

import hashlib
from pathlib import Path

import httpx2
import pytest

from hubbub.agents.service.transfers import Transferred
from hubbub.files.jobs import follow
from hubbub.files.naming import clean_name, disposition
from hubbub.kit.ids import new_id
from hubbub.kit.jobs import JobContext
from hubbub.kit.resources import Resources
from hubbub.settings import FileSettings, Settings
from tests.agents.helpers import key_of, make_agent
from tests.files.helpers import FILES, TEXT, path, picture, refusal, send, sent
from tests.fixtures.people import MakePerson, Person

LARGEST = 200_000


@pytest.fixture
def settings(settings: Settings) -> Settings:
    files = FileSettings(max_bytes=LARGEST, per_request=3, quota_bytes=3 * LARGEST)
    return settings.model_copy(update={"files": files})


def kept(hub: Resources) -> list[Path]:
    return [each for each in (hub.settings.data_dir / "blobs").rglob("*") if each.is_file()]


async def test_is_told_by_what_is_in_it(authenticated_user: Person) -> None:
    content = picture()

    file = await sent(authenticated_user, content, "holiday.txt")

    assert file["content_type"] == "image/png"
    assert file["size"] == len(content)
    assert file["sha256"] == hashlib.sha256(content).hexdigest()
    assert file["name"] == "holiday.txt"


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.jpg", picture(kind="JPEG"), "image/jpeg"),
        ("a.gif", picture(kind="GIF"), "image/gif"),
        ("a.webp", picture(kind="WEBP"), "image/webp"),
        ("a.pdf", b"%PDF-1.7\n...", "application/pdf"),
        ("a.txt", "grüße".encode(), "text/plain"),
        ("a.json", b'{"a": 1}', "application/json"),
        ("a.json", b"<- not json", "text/plain"),
        ("a.csv", b"a,b\n1,2\n", "text/csv"),
        ("a.md", b"<p align=center>A readme</p>\n", "text/markdown"),
        ("noname", b"\xef\xbb\xbfwith a mark", "text/plain"),
    ],
)
async def test_takes_these_kinds(
    authenticated_user: Person, name: str, content: bytes, kind: str
) -> None:
    assert (await sent(authenticated_user, content, name))["content_type"] == kind


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.png", b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>"),
        ("a.txt", b" \n\t<!-- hello --> <!DOCTYPE html><html>"),
        ("a.txt", b"<!--><script>alert(1)</script> -->"),
        ("a.txt", b"<!-- hello --!><script>alert(1)</script> -->"),
        ("a.md", b"<script>alert(1)</script>"),
        ("a.txt", b"\xef\xbb\xbf<?xml version='1.0'?>"),
        ("a.txt", b"\xff\xfe<\x00h\x00"),
        ("a.txt", b"a" * 5000 + b"\x00"),
        ("a.txt", b"a" * 100_000 + b"\xff"),
        ("a.txt", b"a" * 4095 + "é".encode()[:1]),
        ("a.exe", b"MZ\x90\x00\x03"),
        ("a.zip", b"PK\x03\x04whatever"),
    ],
)
async def test_takes_no_others(
    authenticated_user: Person, hub: Resources, name: str, content: bytes
) -> None:
    answer = await send(authenticated_user, content, name)

    assert refusal(answer) == (415, "file_type_refused")
    assert kept(hub) == []


async def test_a_row_of_comments_holds_nobody_up(authenticated_user: Person) -> None:
    made = await sent(authenticated_user, b"<!---->" * 500 + b"text")

    assert made["content_type"] == "text/plain"


async def test_a_character_may_lie_across_two_pieces(authenticated_user: Person) -> None:
    content = b"a" * 4095 + "é".encode() * 30_000

    assert (await sent(authenticated_user, content))["size"] == len(content)


async def test_the_largest_is_taken_and_one_byte_more_is_not(
    authenticated_user: Person, hub: Resources
) -> None:
    largest = await sent(authenticated_user, b"a" * LARGEST)
    answer = await send(authenticated_user, b"a" * (LARGEST + 1))

    assert refusal(answer) == (413, "file_too_large")
    assert [each.name for each in kept(hub)] == [largest["id"]]


async def test_what_is_much_too_large_is_not_read(authenticated_user: Person) -> None:
    assert (await send(authenticated_user, b"a" * (LARGEST + 200_000))).status_code == 413


async def test_an_empty_one_and_none(authenticated_user: Person, hub: Resources) -> None:
    assert refusal(await send(authenticated_user, b"")) == (422, "file_empty")
    no_file = await authenticated_user.client.post(FILES, data={"a": "b"}, files={})
    assert refusal(no_file) == (400, "not_a_form")
    form = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    only_fields = await authenticated_user.client.post(FILES, content=form, headers=headers)
    assert refusal(only_fields) == (422, "no_file")
    assert kept(hub) == []


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("filename*=UTF-8''gr%C3%BC%C3%9Fe.txt", "grüße.txt"),
        ("filename=\"gr__e.txt\"; filename*=utf-8'de'gr%C3%BC%C3%9Fe.txt", "grüße.txt"),
        ("FileName*=ISO-8859-1''gr%FC%DFe.txt; filename=a.txt", "grüße.txt"),
        ("filename=\"a.txt\"; filename*=koi8-r''%C3", "a.txt"),
        ("filename=\"a; filename*=UTF-8''b.txt\"", "a; filename*=UTF-8''b.txt"),
        ("filename*=UTF-8''..%2F..%2Fetc%2Fpass%00wd", "passwd"),
        ("filename*=UTF-8''%FF.txt", "\N{REPLACEMENT CHARACTER}.txt"),
    ],
)
async def test_a_name_in_the_extended_form(
    authenticated_user: Person, said: str, name: str
) -> None:
    form = f'--x\r\nContent-Disposition: form-data; name="f"; {said}\r\n\r\nhello\r\n--x--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}

    answer = await authenticated_user.client.post(FILES, content=form.encode(), headers=headers)

    assert answer.status_code == 201, answer.text
    assert answer.json()["name"] == name


@pytest.mark.parametrize(
    "form",
    [
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nhello',
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n'
        + b"h" * 6000
        + b"\r\n--x",
        b"no form at all",
        b"",
    ],
)
async def test_a_form_that_ends_too_early(
    authenticated_user: Person, hub: Resources, form: bytes
) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await authenticated_user.client.post(FILES, content=form, headers=headers)

    assert refusal(answer) == (400, "not_a_form")
    assert kept(hub) == []


async def test_two_where_one_is_taken(authenticated_user: Person, hub: Resources) -> None:
    files = [("file", ("a.txt", TEXT)), ("file", ("b.txt", TEXT))]
    answer = await authenticated_user.client.post(FILES, files=files)

    assert refusal(answer) == (413, "too_many_files")
    assert kept(hub) == []


async def test_several_each_with_its_own_result(authenticated_user: Person, hub: Resources) -> None:
    files = [
        ("files", ("a.txt", TEXT)),
        ("files", ("b.svg", b"<svg >")),
        ("files", ("c.png", picture())),
    ]
    answer = await authenticated_user.client.post(f"{FILES}/batch", files=files)

    results = answer.json()["results"]
    assert [each["status"] for each in results] == [201, 415, 201]
    assert [each["file"]["name"] for each in results if each["file"]] == ["a.txt", "c.png"]
    assert results[1]["problem"]["code"] == "file_type_refused"
    assert len(kept(hub)) == 2


async def test_too_many_at_once_leave_nothing(authenticated_user: Person, hub: Resources) -> None:
    files = [("files", (f"{number}.txt", TEXT)) for number in range(4)]
    answer = await authenticated_user.client.post(f"{FILES}/batch", files=files)

    assert refusal(answer) == (413, "too_many_files")
    assert kept(hub) == []


async def test_the_quota_of_an_agent_that_is_given_away_is_the_new_owners(
    authenticated_user: Person, admin: Person, hub: Resources
) -> None:
    agent = await make_agent(authenticated_user, "ada")
    files = {"file": ("a.txt", b"a" * LARGEST)}
    for _ in range(3):
        await authenticated_user.client.post(FILES, files=files, headers=key_of(agent))
    assert refusal(await send(authenticated_user)) == (409, "file_quota")
    heir = str(admin.id)
    offer = f"/api/v1/agents/{agent['id']}/transfer"
    answer = await authenticated_user.client.post(offer, json={"user_id": heir})
    assert answer.is_success, answer.text
    answer = await admin.client.post(f"{offer}/accept")
    assert answer.is_success, answer.text
    moved = Transferred(agent_id=agent["id"], to_user_id=heir)
    for attempt in (1, 2):
        await follow.handler(JobContext(hub, new_id(), attempt), moved)

    await sent(authenticated_user)
    assert refusal(await send(admin)) == (409, "file_quota")
    listed = (await admin.client.get(FILES)).json()["items"]
    await admin.client.delete(path(listed[0]))
    await sent(admin)


async def test_the_quota_is_the_users_with_all_agents(
    authenticated_user: Person, people: MakePerson, hub: Resources
) -> None:
    agent = await make_agent(authenticated_user, "ada")
    files = {"file": ("a.txt", b"a" * LARGEST)}
    by_agent = await authenticated_user.client.post(FILES, files=files, headers=key_of(agent))
    first = await sent(authenticated_user, b"a" * LARGEST)
    await sent(authenticated_user, b"a" * (LARGEST - 5))

    over = await send(authenticated_user, b"a" * 6)
    assert refusal(over) == (409, "file_quota")
    assert len(kept(hub)) == 3, "what was refused is erased"
    assert by_agent.json()["participant_id"] == agent["id"]
    await sent(await people(), b"another's")

    await authenticated_user.client.delete(path(first))
    await sent(authenticated_user, b"a" * 6)


async def test_the_same_key_stores_once(authenticated_user: Person, hub: Resources) -> None:
    first = await send(authenticated_user, key="k")
    again = await send(authenticated_user, key="k")
    other = await send(authenticated_user, b"something else", key="k")

    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert refusal(other) == (409, "idempotency_key_reused")
    assert len(kept(hub)) == 1


async def test_nobody_sends(client: httpx2.AsyncClient) -> None:
    answer = await client.post(FILES, files={"file": ("a.txt", TEXT)})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("given", "cleaned"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ada\\notes.txt", "notes.txt"),
        ("a\r\nSet-Cookie: b.txt", "aSet-Cookie: b.txt"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("  .hidden. ", "hidden"),
        ("\x00\x07", "file"),
        ("", "file"),
        ("é" * 300 + ".txt", "é" * 125 + ".txt"),
        ("e\u200b\u0301.txt", "é.txt"),
        ("a" * 254 + " b", "a" * 254),
    ],
)
def test_names_are_cleaned(given: str, cleaned: str) -> None:
    assert clean_name(given) == cleaned


def test_a_name_in_a_header_can_be_any() -> None:
    shown = disposition('grüße "an" alle.txt')

    assert shown.isascii()
    assert 'filename="gr__e _an_ alle.txt"' in shown
    assert "filename*=UTF-8''gr%C3%BC%C3%9Fe%20%22an%22%20alle.txt" in shown
