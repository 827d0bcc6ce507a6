import httpx2
from fastapi import FastAPI
from pydantic import RedisDsn

from hubbub.app import create_app
from hubbub.kit.http.dependencies import CurrentResources
from hubbub.settings import Settings


async def test_a_route_reaches_the_redis_of_the_settings(
    settings: Settings, valkey_url: str
) -> None:
    app: FastAPI = create_app(settings.model_copy(update={"redis_url": RedisDsn(valkey_url)}))

    @app.get("/probe/redis")
    async def probe(resources: CurrentResources) -> dict[str, bool]:
        assert resources.redis is not None
        return {"answers": bool(await resources.redis.ping())}

    transport = httpx2.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        got = await client.get("/probe/redis")
        redis = app.state.resources.redis

    assert got.json() == {"answers": True}
    assert not redis.connection_pool._in_use_connections


class TestEmbedded:
    async def test_has_none(self, app: FastAPI, settings: Settings) -> None:
        assert (app.state.resources.redis is None) is (settings.redis_url is None)
