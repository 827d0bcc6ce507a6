"""What holds for every route there is."""

import re
from collections.abc import Iterator
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI

from hubbub.app import create_app
from hubbub.settings import Environment, Settings

OPEN = {
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",  # shown to the same machine, or to the bearer of its own token
    "POST /api/v1/auth/token",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/auth/password-reset",
    "POST /api/v1/auth/password-reset/confirm",
    "POST /api/v1/users",  # as far as signing up is open
    # sockets, which ask for a credential after they are accepted
    "GET /ws/agents/{agent_id}",
    "GET /ws/rooms/{room_id}",
    "GET /ws/private",
    # pages
    "GET /",
    "GET /setup",
    "POST /setup",
    "GET /join",
    "POST /join",
    "GET /reset",
    "POST /reset",
    "GET /static/{path}",
    # only outside of production
    "GET /docs",
    "GET /openapi.json",
}


def operations(app: FastAPI) -> Iterator[tuple[str, dict[str, object]]]:
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


@pytest.fixture
def document() -> FastAPI:
    return create_app(Settings(environment=Environment.LOCAL))


async def test_every_other_route_asks_for_a_credential(
    app: FastAPI, client: httpx2.AsyncClient
) -> None:
    guarded = [name for name, _ in operations(app) if name not in OPEN]
    assert len(guarded) > 10

    for name in guarded:
        method, path = name.split()
        answer = await client.request(method, re.sub(r"{\w+}", str(UUID(int=1)), path))

        assert answer.status_code == 401, name
        assert answer.headers["www-authenticate"].startswith("Bearer"), name


async def test_what_is_not_in_the_document_is_known_too(app: FastAPI) -> None:
    """A route outside of the document would escape the test above."""
    documented = {name.split()[1] for name, _ in operations(app)}
    known = {name.split()[1].removesuffix("/{path}") for name in OPEN}

    assert {path for path in all_paths(app) if path not in documented} <= known


def all_paths(app: FastAPI) -> set[str]:
    return {getattr(route, "path", "?") for route in app.routes}


async def test_no_router_is_inside_another(app: FastAPI) -> None:
    """Each level would be looked through twice at every request: use `join`."""
    assert not [route for route in app.routes if hasattr(route, "original_router")]
    assert "?" not in all_paths(app)


def test_every_route_is_described(document: FastAPI) -> None:
    for name, operation in operations(document):
        assert operation.get("summary"), name
        assert operation.get("tags"), name
        answers = operation["responses"]
        assert isinstance(answers, dict)
        success = [answer for status, answer in answers.items() if status.startswith("2")]
        assert success, name
        for status, answer in answers.items():
            if status.startswith(("4", "5")):
                assert list(answer["content"]) == ["application/problem+json"], (name, status)
                assert answer["description"].strip(), (name, status)
            elif status not in {"202", "204", "304"} and not name.startswith("HEAD "):
                assert all(content.get("schema") != {} for content in answer["content"].values()), (
                    name
                )


def test_ids_of_operations_are_unique_and_readable(document: FastAPI) -> None:
    ids = [operation["operationId"] for _, operation in operations(document)]

    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z0-9_]+", str(name)) for name in ids)


async def test_the_document_is_hidden_in_production(settings: Settings) -> None:
    hidden = create_app(settings.model_copy(update={"environment": Environment.PRODUCTION}))
    transport = httpx2.ASGITransport(hidden)

    async with (
        hidden.router.lifespan_context(hidden),
        httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        statuses = {
            path: (await client.get(path)).status_code
            for path in ("/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect")
        }

    assert set(statuses.values()) == {404}
