import httpx2


async def test_a_fresh_hub_is_alive_and_ready(client: httpx2.AsyncClient) -> None:
    alive = await client.get("/healthz")
    ready = await client.get("/readyz")

    assert alive.json() == {"status": "ok"}
    assert ready.json() == {"status": "ok", "database": "ok", "migrations": "ok", "bus": "ok"}
