"""A route answers the same whether it is reached by its lane or through the router."""

from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from tests.messages.conftest import Talker

SENDS: list[dict[str, Any]] = [
    {"json": {"to": ["agent:bob"], "content": "hello"}, "headers": {"Idempotency-Key": "a"}},
    {"json": {"to": ["agent:bob"], "content": "other"}, "headers": {"Idempotency-Key": "a"}},
    {"json": {"to": ["agent:nobody"], "content": "hello"}},
    {"json": {"content": "hello"}},
    {"content": b"{", "headers": {"Content-Type": "application/json"}},
    {"json": {"to": ["agent:bob"], "content": "x" * 200_000}},
    {
        "json": {"to": ["agent:bob"], "content": "hello"},
        "headers": {"Authorization": "Bearer x"},
    },
    {"method": "PUT", "json": {}},
]


async def outcomes(client: httpx2.AsyncClient) -> list[tuple[int, str, set[str]]]:
    found = []
    for send in SENDS:
        method = send.get("method", "POST")
        options = {name: value for name, value in send.items() if name != "method"}
        answer = await client.request(method, "/api/v1/messages", **options)
        found.append((answer.status_code, answer.json().get("code", ""), set(answer.headers)))
    return found


async def test_the_lane_and_the_router_answer_alike(
    app: FastAPI, alice: Talker, bob: Talker
) -> None:
    assert ("POST", "/api/v1/messages") in app.state.lanes
    in_lane = await outcomes(alice.client)
    app.state.lanes.clear()

    through_the_router = await outcomes(alice.client)

    assert through_the_router[1:] == in_lane[1:]
    # the first was sent before under its key
    assert through_the_router[0][2] - in_lane[0][2] == {"idempotency-replayed"}
    assert [status for status, *_ in in_lane[2:]] == [404, 422, 422, 413, 401, 405]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_other_methods_of_its_path_are_the_routers(
    app: FastAPI, alice: Talker, method: str
) -> None:
    del app
    answer = await alice.client.request(method, "/api/v1/messages")

    assert answer.status_code == {"GET": 200, "DELETE": 405}[method]
