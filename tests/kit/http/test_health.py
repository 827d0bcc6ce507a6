from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text

from hubbub.kit.resources import Resources
from hubbub.settings import HttpSettings, Settings
from tests.kit.http.conftest import assert_is_problem


@pytest.fixture
async def stranger(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app, client=("192.0.2.1", 1234))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


async def test_a_fresh_hub_is_alive_and_ready(client: httpx2.AsyncClient) -> None:
    alive = await client.get("/healthz")
    ready = await client.get("/readyz")

    assert alive.json() == {"status": "ok"}
    assert ready.json() == {"status": "ok", "database": "ok", "migrations": "ok", "bus": "ok"}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_load_balancers_that_probe_with_head_are_answered(
    client: httpx2.AsyncClient, path: str
) -> None:
    assert (await client.head(path)).status_code == 200


async def test_a_hub_behind_its_migrations_is_alive_but_not_ready(
    client: httpx2.AsyncClient, hub: Resources
) -> None:
    async with hub.database.write() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = 'older'"))

    ready = await client.get("/readyz")

    assert_is_problem(ready, 503, "not_ready")
    assert ready.json()["checks"]["migrations"].startswith("behind")
    assert ready.json()["checks"]["database"] == "ok"
    assert (await client.get("/healthz")).status_code == 200


async def test_a_hub_without_its_database_is_alive_but_not_ready(
    client: httpx2.AsyncClient, hub: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise OSError("secret internals")

    monkeypatch.setattr(hub.database, "read", broken)

    ready = await client.get("/readyz")

    assert_is_problem(ready, 503, "not_ready")
    assert ready.json()["checks"]["database"] == "unreachable"
    assert "secret" not in ready.text
    assert (await client.get("/healthz")).status_code == 200


async def test_metrics_count_requests_by_route(client: httpx2.AsyncClient) -> None:
    await client.get("/probe/ok")
    await client.get("/nowhere")

    shown = (await client.get("/metrics")).text

    assert 'hubbub_http_requests_total{method="GET",route="/probe/ok",status="200"} 1.0' in shown
    assert 'route="unmatched",status="404"' in shown
    assert "hubbub_db_connections" in shown


async def test_metrics_are_not_for_strangers(stranger: httpx2.AsyncClient) -> None:
    assert_is_problem(await stranger.get("/metrics"), 403, "metrics_forbidden")


class TestWithToken:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        http = HttpSettings(metrics_token=SecretStr("t" * 32))
        return settings.model_copy(update={"http": http})

    async def test_who_bears_it_sees_the_metrics(self, stranger: httpx2.AsyncClient) -> None:
        headers = {"Authorization": f"Bearer {'t' * 32}"}

        assert (await stranger.get("/metrics", headers=headers)).status_code == 200

    @pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", "tttt", "Bearer é"])
    async def test_nobody_else_does(self, client: httpx2.AsyncClient, given: str) -> None:
        answer = await client.get("/metrics", headers=[(b"authorization", given.encode("latin-1"))])

        assert_is_problem(answer, 403, "metrics_forbidden")
