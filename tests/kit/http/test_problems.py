import io
import json

import httpx2
import pytest

from hubbub.kit.logging import flush_access, setup_logging
from hubbub.settings import LogSettings
from tests.kit.http.conftest import assert_is_problem

SECRET = "hunter2hunter2"


def logged_in(stream: io.StringIO) -> list[dict[str, object]]:
    flush_access()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def strict(answer: httpx2.Response) -> dict[str, object]:
    """The body, read as strictly as any other JSON reader would."""

    def refuse(word: str) -> None:
        pytest.fail(f"{word} is no JSON")

    body = json.loads(answer.content, parse_constant=refuse)
    assert isinstance(body, dict)
    return body


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/api/v1/nowhere", 404, "not_found"),
        ("DELETE", "/probe/ok", 405, "method_not_allowed"),
        ("GET", "/probe/query?pin=x", 422, "validation_failed"),
        ("POST", "/probe/sign-up", 422, "validation_failed"),
        ("GET", "/probe/crash", 500, "internal"),
        ("GET", "/probe/refuse?status=400", 400, "bad_request"),
        ("GET", "/probe/refuse?status=401", 401, "unauthenticated"),
        ("GET", "/probe/refuse?status=403", 403, "forbidden"),
        ("GET", "/probe/refuse?status=418", 418, "http_error"),
        ("GET", "/probe/refuse?status=499", 499, "http_error"),
        ("GET", "/probe/refuse?status=503", 503, "unavailable"),
    ],
)
async def test_every_refusal_is_a_problem_document(
    client: httpx2.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await client.request(method, path)

    assert_is_problem(answer, status, code)
    assert "internal detail" not in answer.text


async def test_the_headers_of_a_refusal_are_kept(client: httpx2.AsyncClient) -> None:
    refused = await client.get("/probe/refuse?status=403")
    wrong_method = await client.delete("/probe/ok")

    assert refused.headers["x-kept"] == "yes"
    assert wrong_method.headers["allow"] == "GET"


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "password": SECRET},
        {"name": "x", "password": [SECRET]},
        {"name": "x", "password": {SECRET: SECRET}},
        {"name": "x", "password": f"{SECRET}{SECRET}"},  # its validator quotes it
        {"name": "whole", "password": f"{SECRET}!{SECRET}"},  # another quotes the whole body
        {"name": SECRET * 10, "password": SECRET},
        {"name": f"{SECRET}\n{SECRET}", "password": SECRET},
        {"name": "x", "password": SECRET, SECRET: 1},
        {"name": "x", "password": SECRET, "email": f"{SECRET}@{SECRET}@"},
        {"name": "x", "password": SECRET, "role": SECRET},
        [SECRET],
        SECRET,
    ],
)
async def test_a_refused_body_is_not_echoed(client: httpx2.AsyncClient, body: object) -> None:
    answer = await client.post("/probe/sign-up", json=body)

    assert_is_problem(answer, 422, "validation_failed")
    assert answer.json()["errors"]
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("GET", f"/probe/query?pin={SECRET}", b""),
        ("GET", f"/probe/query?{SECRET}=1", b""),
        ("POST", "/probe/sign-up", f'{{"password": "{SECRET}'.encode()),
        ("POST", "/probe/echo", f'{{"numbers": ["{SECRET}"]}}'.encode()),
        ("POST", "/probe/echo", f'{{"at": "{SECRET}"}}'.encode()),
    ],
)
async def test_neither_is_anything_else_that_was_refused(
    client: httpx2.AsyncClient, method: str, path: str, content: bytes
) -> None:
    headers = {"Content-Type": "application/json"}

    answer = await client.request(method, path, content=content, headers=headers)

    assert_is_problem(answer, 422, "validation_failed")
    assert SECRET not in answer.text


async def test_a_refusal_says_what_is_wrong_and_where(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/probe/sign-up", json={"name": "x" * 11})

    assert answer.json()["errors"] == [
        {
            "loc": ["body", "name"],
            "msg": "String should have at most 10 characters, not 11",
            "type": "too_long",
        },
        {"loc": ["body", "password"], "msg": "Field required", "type": "missing"},
    ]


async def test_many_mistakes_do_not_make_a_large_answer(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/probe/echo", json={"numbers": ["x"] * 5000})

    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == 50


async def test_a_crash_shows_nothing_and_is_logged_once_with_its_traceback(
    client: httpx2.AsyncClient,
) -> None:
    stream = io.StringIO()
    setup_logging(LogSettings(format="json"), stream)

    answer = await client.get("/probe/crash")

    assert_is_problem(answer, 500, "internal")
    assert "RuntimeError" not in answer.text
    logged = [json.loads(line) for line in stream.getvalue().splitlines()]
    crashes = [line for line in logged if "Traceback" in str(line)]
    assert [line["event"] for line in crashes] == ["request.crashed"]
    assert crashes[0]["level"] == "error"
    assert crashes[0]["request_id"] == answer.headers["x-request-id"]
    assert "internal detail" in crashes[0]["exception"]
    assert "hunter2" not in str(logged)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/nowhere"), ("DELETE", "/probe/ok"), ("POST", "/probe/sign-up")],
)
async def test_the_callers_mistakes_are_warnings_not_errors(
    client: httpx2.AsyncClient, method: str, path: str
) -> None:
    stream = io.StringIO()
    setup_logging(LogSettings(format="json"), stream)

    await client.request(method, path)

    levels = {line["event"]: line["level"] for line in logged_in(stream)}
    assert levels["request.refused"] == "warning"
    assert levels["http.request"] == "info"
    assert "error" not in levels.values()


async def test_the_access_log_names_the_route_and_no_values(client: httpx2.AsyncClient) -> None:
    stream = io.StringIO()
    setup_logging(LogSettings(format="json"), stream)

    answer = await client.get(f"/probe/ok?token={SECRET}")
    await client.get(f"/nowhere/{SECRET}")

    lines = [line for line in logged_in(stream) if line["event"] == "http.request"]
    assert [line["route"] for line in lines] == ["/probe/ok", "unmatched"]
    assert lines[0]["request_id"] == answer.headers["x-request-id"]
    # the test's own client logs the addresses that it calls; the hub doesn't
    assert SECRET not in str(lines)


@pytest.mark.parametrize(
    "content",
    [
        b'{"metadata": ' + b'{"a":' * 15_000 + b"1" + b"}" * 15_000 + b"}",
        b'{"metadata": ' + b'{"a":' * 300 + b"1" + b"}" * 300 + b"}",
        b"[" * 90_000,
        b'{"text": "\xff\xfe"}',
        b"\xff\xfe{}",
        b'{"text": "\\ud800"}',
        b'{"metadata": {"a": "\\ud800"}}',
        b'{"metadata": {"\\udfff": 1}}',
        b'{"\\ud800": 1}',
        b'{"words": ["\\ud800"]}',
        b'{"text": "\\u0000"}',
        b'{"metadata": {"a": "\\u0000"}}',
        b'{"metadata": {"\\u0000": 1}}',
        b'{"number": ' + b"9" * 5000 + b"}",
        b'{"number": 1e999}',
        b'{"number": NaN}',
        b'{"metadata": {"a": ' + b"9" * 400 + b"}}",
        b'{"metadata": {"a": ' + b"9" * 5000 + b"}}",
        b'{"metadata": {"a": NaN}}',
        b'{"metadata": {"a": -Infinity}}',
        b'{"ratio": NaN, "metadata": {"a": [[1e999]]}}',
        b'{"at": "9999-12-31T23:59:59-12:00"}',
        b'{"at": "0001-01-01T00:00:00+12:00"}',
        b'{"at": 1e300}',
        b"null",
        b"[]",
        b'"text"',
        b"",
        b"{",
        b"\x00",
    ],
)
async def test_no_json_whatever_it_is_breaks_the_server(
    client: httpx2.AsyncClient, content: bytes
) -> None:
    headers = {"Content-Type": "application/json"}

    answer = await client.post("/probe/echo", content=content, headers=headers)

    assert answer.status_code in {400, 422}, answer.text
    assert_is_problem(answer, answer.status_code, str(strict(answer)["code"]))


async def test_what_is_plain_comes_back_as_it_was_sent(client: httpx2.AsyncClient) -> None:
    metadata = {"a": [1, 2.5, None, True, "ü🚀", {"deep": {"er": []}}], "n": 2**63}

    answer = await client.post("/probe/echo", json={"text": "a\nb", "metadata": metadata})

    assert strict(answer) == {"text": "a\nb", "number": 0, "metadata": metadata}


@pytest.mark.parametrize(
    "path", ["/%ff", "/%00", "/probe/query?pin=%00", "/probe/query?pin=%ff", "/probe/ok?%ff=%fe"]
)
async def test_no_address_whatever_it_is_breaks_the_server(
    client: httpx2.AsyncClient, path: str
) -> None:
    assert (await client.get(path)).status_code < 500
