from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.kit.http.conftest import assert_is_problem

LIMIT = 100_000


async def in_pieces(size: int) -> AsyncIterator[bytes]:
    while size > 0:
        yield b"x" * min(size, 7_000)
        size -= 7_000


@pytest.mark.parametrize("pieces", [False, True])
async def test_up_to_the_limit_a_body_is_read(client: httpx2.AsyncClient, pieces: bool) -> None:
    content = in_pieces(LIMIT) if pieces else b"x" * LIMIT

    answer = await client.post("/probe/count", content=content)

    assert answer.json() == {"bytes": LIMIT}


@pytest.mark.parametrize("path", ["/probe/count", "/probe/sign-up"])
@pytest.mark.parametrize("pieces", [False, True])
async def test_beyond_the_limit_it_is_refused(
    client: httpx2.AsyncClient, path: str, pieces: bool
) -> None:
    content = in_pieces(LIMIT + 1) if pieces else b"x" * (LIMIT + 1)

    answer = await client.post(path, content=content, headers={"Content-Type": "application/json"})

    assert_is_problem(answer, 413, "too_large")


async def test_a_body_without_length_is_not_read_to_its_end(client: httpx2.AsyncClient) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1000
            assert read < 10 * LIMIT
            yield b"x" * 1000

    answer = await client.post("/probe/count", content=endless())

    assert_is_problem(answer, 413, "too_large")


async def test_a_length_that_lies_does_not_let_more_in(client: httpx2.AsyncClient) -> None:
    answer = await client.post(
        "/probe/count", content=in_pieces(LIMIT + 1), headers={"Content-Length": "10"}
    )

    assert_is_problem(answer, 413, "too_large")


@pytest.mark.parametrize(
    ("length", "status", "code"),
    [
        ("-5", 400, "bad_request"),
        ("many", 400, "bad_request"),
        ("1e3", 400, "bad_request"),
        ("²", 400, "bad_request"),
        ("", 400, "bad_request"),
        ("100001", 413, "too_large"),
        ("9" * 5000, 413, "too_large"),
        ("0" * 5000 + "4", 200, ""),
    ],
)
async def test_a_length_is_not_believed(
    client: httpx2.AsyncClient, length: str, status: int, code: str
) -> None:
    answer = await client.post(
        "/probe/count", content=b"four", headers=[(b"Content-Length", length.encode("latin-1"))]
    )

    if status == 200:
        assert answer.json() == {"bytes": 4}
    else:
        assert_is_problem(answer, status, code)
