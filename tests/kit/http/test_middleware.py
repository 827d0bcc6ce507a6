import re

import httpx2
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from hubbub.settings import LimitSettings, Settings
from tests.kit.http.conftest import assert_is_problem

EVERYTHING = [
    ("GET", "/probe/ok", 200),
    ("GET", "/nowhere", 404),
    ("DELETE", "/probe/ok", 405),
    ("GET", "/probe/query", 422),
    ("GET", "/probe/crash", 500),
    ("GET", "/probe/refuse?status=429", 429),
]


async def test_the_order_of_the_stack_outermost_first(app: FastAPI) -> None:
    names = [getattr(layer.cls, "__name__", "") for layer in app.user_middleware]

    assert names == [
        "Edge",
        "CORS",
        "GZip",
        "Guard",
        "Lane",
    ]


@pytest.mark.parametrize(("method", "path", "status"), EVERYTHING)
async def test_every_answer_has_an_id_a_time_and_the_browsers_instructions(
    client: httpx2.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path, headers={"Origin": "https://app.example.com"})

    assert answer.status_code == status
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])
    assert re.fullmatch(r"\d+\.\d{4}", answer.headers["x-process-time"])
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"


async def test_each_request_has_an_id_of_its_own(client: httpx2.AsyncClient) -> None:
    first, second = await client.get("/probe/id"), await client.get("/probe/id")

    assert first.json()["request_id"] == first.headers["x-request-id"]
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


@pytest.mark.parametrize("given", ["a1b2c3d4", "trace-01.ab_CD", "x" * 64])
async def test_a_harmless_id_of_the_caller_is_taken(client: httpx2.AsyncClient, given: str) -> None:
    answer = await client.get("/probe/id", headers={"X-Request-ID": given})

    assert answer.headers["x-request-id"] == answer.json()["request_id"] == given


@pytest.mark.parametrize(
    "given", [b"", b"short", b"x" * 65, b"with space", b'"><script>', b"caf\xe9-1234", b"a;b=c%0a1"]
)
async def test_any_other_id_of_the_caller_is_replaced(
    client: httpx2.AsyncClient, given: bytes
) -> None:
    answer = await client.get("/probe/ok", headers=[(b"X-Request-ID", given)])

    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])


async def test_each_of_several_cookies_arrives(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/probe/cookies")

    assert [cookie.split(";")[0] for cookie in answer.headers.get_list("set-cookie")] == [
        "one=1",
        "two=2",
    ]


async def test_a_header_that_the_answer_sets_itself_is_kept(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/probe/headers")

    assert answer.headers.get_list("cache-control") == ["max-age=60"]


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
async def test_a_listed_origin_may_call_with_credentials(
    client: httpx2.AsyncClient, method: str
) -> None:
    answer = await client.request(
        method,
        "/probe/ok",
        headers={
            "Origin": "https://app.example.com",
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "Authorization, Idempotency-Key",
        },
    )

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://app.example.com.evil.example"]
)
async def test_an_unlisted_origin_gets_no_leave(
    client: httpx2.AsyncClient, method: str, origin: str
) -> None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}

    answer = await client.request(method, "/probe/ok", headers=headers)

    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000"])
async def test_its_own_hosts_are_answered(client: httpx2.AsyncClient, host: str) -> None:
    assert (await client.get("/probe/ok", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "evil-localhost", ""])
async def test_a_foreign_host_is_refused(client: httpx2.AsyncClient, host: str) -> None:
    answer = await client.get("/probe/ok", headers={"Host": host})

    assert_is_problem(answer, 400, "unknown_host")


async def test_a_socket_has_an_id_too_and_a_foreign_host_is_refused(app: FastAPI) -> None:
    client = TestClient(app)

    with client.websocket_connect("/probe/ws", headers={"host": "localhost"}) as socket:
        assert re.fullmatch(r"[0-9a-f]{32}", socket.receive_json()["hello"])

    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/probe/ws", headers={"host": "evil.example"}),
    ):
        pytest.fail("a foreign host got in")


@pytest.mark.parametrize(
    ("path", "gzipped"),
    [
        ("/probe/text?size=501", True),
        ("/probe/text?size=500", False),
        ("/probe/text?size=200000", True),
        ("/probe/text?size=2000&kind=application/json", True),
        ("/probe/text?size=2000&kind=application/problem%2Bjson", True),
        ("/probe/text?size=2000&kind=image/png", False),
        ("/probe/stream", False),
        ("/probe/stream?kind=text/event-stream", False),
    ],
)
async def test_large_texts_are_compressed_and_streams_are_not(
    client: httpx2.AsyncClient, path: str, gzipped: bool
) -> None:
    answer = await client.get(path, headers={"Accept-Encoding": "gzip"})

    assert (answer.headers.get("content-encoding") == "gzip") is gzipped
    assert set(answer.text) == {"x"}


@pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0", "br"])
async def test_nobody_is_sent_what_he_did_not_ask_for(
    client: httpx2.AsyncClient, accepted: str
) -> None:
    answer = await client.get("/probe/text?size=2000", headers={"Accept-Encoding": accepted})

    assert "content-encoding" not in answer.headers
    assert "Accept-Encoding" in answer.headers["vary"]
    assert len(answer.content) == 2000


async def test_pieces_of_a_stream_are_passed_on_as_they_come(app: FastAPI) -> None:
    sent: list[int] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        if message["type"] == "http.response.body":
            sent.append(len(message.get("body", b"")))

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "method": "GET",
        "path": "/probe/stream",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"accept-encoding", b"gzip")],
    }
    await app(scope, receive, send)

    assert sent == [1000, 1000, 1000, 0]


class TestInProduction:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(
            update={
                "site_url": "https://hub.example.com/",
                "limits": LimitSettings(enabled=False),
            }
        )

    async def test_a_hub_behind_https_says_so(self, client: httpx2.AsyncClient) -> None:
        answer = await client.get("/probe/ok")

        assert answer.headers["strict-transport-security"].startswith("max-age=")
