import httpx2
import pytest


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
