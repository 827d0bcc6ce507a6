"""What a gateway refuses of `POST /hooks/agent`: the hub tells these apart by status alone."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.e2e.openclaw.gateway import Gateway
from tests.e2e.openclaw.posting import LEFT_OUT, NONE, Poster, fresh

pytestmark = pytest.mark.openclaw


@pytest.fixture(autouse=True)
async def forgiven(gateway: Gateway, post: Poster) -> AsyncIterator[None]:
    """A good token resets the count of bad ones."""
    yield
    assert (await post.hook(gateway, LEFT_OUT)).status_code == 400


class TestToken:
    @pytest.mark.parametrize("token", ["wrong", NONE])
    async def test_a_wrong_one_or_none(self, gateway: Gateway, post: Poster, token: str) -> None:
        answer = await post.hook(gateway, "hello", token=token)
        assert (answer.status_code, answer.text) == (401, "Unauthorized")

    async def test_the_operators(self, gateway: Gateway, post: Poster) -> None:
        answer = await post.hook(gateway, "hello", token=gateway.operator_token)
        assert (answer.status_code, answer.text) == (401, "Unauthorized")

    async def test_in_the_address(self, gateway: Gateway, client: httpx2.AsyncClient) -> None:
        answer = await client.post(
            f"{gateway.url}/hooks/agent", params={"token": gateway.token}, json={"message": "hello"}
        )
        assert answer.status_code == 400
        assert answer.text.startswith("Hook token must be provided via Authorization: Bearer")

    async def test_a_row_of_wrong_ones(self, gateway: Gateway, post: Poster) -> None:
        answers = [await post.hook(gateway, "hello", token="wrong") for _ in range(21)]

        assert [answer.status_code for answer in answers] == [401] * 20 + [429]
        assert answers[-1].text == "Too Many Requests"
        assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
        good = await post.hook(gateway, fresh("hello"), session=fresh("hook:hub"))
        assert good.status_code == 200


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"message": LEFT_OUT}, "message required"),
        ({"message": " "}, "message required"),
        ({"agentId": "nobody"}, 'unknown agentId "nobody"'),
        ({"sessionKey": "agent:main:main"}, "sessionKey must start with one of: hook:"),
        ({"sessionKey": "alice"}, "sessionKey must start with one of: hook:"),
        ({"sessionKey": LEFT_OUT}, "sessionKey is required when sessionMode is persistent"),
    ],
)
async def test_a_bad_request(
    gateway: Gateway, post: Poster, fields: dict[str, Any], error: str
) -> None:
    answer = await post.hook(gateway, "hello", **fields)

    assert answer.status_code == 400
    assert answer.json() == {"ok": False, "error": error}


async def test_no_json(gateway: Gateway, client: httpx2.AsyncClient) -> None:
    answer = await client.post(
        f"{gateway.url}/hooks/agent",
        content="{nothing",
        headers={"Authorization": f"Bearer {gateway.token}"},
    )
    assert answer.status_code == 400
    assert answer.json()["ok"] is False
    assert "JSON" in answer.json()["error"]


@pytest.mark.parametrize(("kibibytes", "status"), [(240, 200), (260, 413)])
async def test_a_long_text(gateway: Gateway, post: Poster, kibibytes: int, status: int) -> None:
    answer = await post.hook(gateway, "x" * kibibytes * 1024, session=fresh("hook:hub"))

    assert answer.status_code == status, answer.text
    if status == 413:
        assert answer.json() == {"ok": False, "error": "payload too large"}


async def test_another_method(gateway: Gateway, client: httpx2.AsyncClient) -> None:
    answer = await client.get(
        f"{gateway.url}/hooks/agent", headers={"Authorization": f"Bearer {gateway.token}"}
    )
    assert (answer.status_code, answer.text) == (405, "Method Not Allowed")
    assert answer.headers["Allow"] == "POST"


async def test_another_path(gateway: Gateway, client: httpx2.AsyncClient) -> None:
    answer = await client.post(
        f"{gateway.url}/hooks/nothing",
        json={},
        headers={"Authorization": f"Bearer {gateway.token}"},
    )
    assert (answer.status_code, answer.text) == (404, "Not Found")
