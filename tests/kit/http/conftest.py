from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI

from hubbub.app import create_app
from hubbub.settings import HttpSettings, Settings
from tests.kit.http.probes import router


@pytest.fixture
def settings(settings: Settings) -> Settings:
    http = HttpSettings(cors_origins=("https://app.example.com",), max_body_bytes=100_000)
    return settings.model_copy(update={"http": http})


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    """The hub itself, with the probes added."""
    app = create_app(settings)
    app.include_router(router)
    async with app.router.lifespan_context(app):
        yield app


def assert_is_problem(answer: httpx2.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["title"]
    assert body["request_id"] == answer.headers["x-request-id"]
