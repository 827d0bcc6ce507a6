import httpx2
from aiohttp import web
from fastapi import FastAPI

from hubbub.app import create_app
from hubbub.kit.http.dependencies import HttpClient
from hubbub.settings import Settings


async def test_a_route_calls_another_server_through_the_one_client(settings: Settings) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"from": "elsewhere"})

    other = web.Application()
    other.router.add_get("/", answer)
    runner = web.AppRunner(other)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    app: FastAPI = create_app(settings)

    @app.get("/probe/elsewhere")
    async def elsewhere(http: HttpClient) -> dict[str, str]:
        async with http.get(f"http://127.0.0.1:{runner.addresses[0][1]}/") as found:
            content: dict[str, str] = await found.json()
            return content

    async with app.router.lifespan_context(app):
        http = app.state.resources.http
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            got = await client.get("/probe/elsewhere")
    await runner.cleanup()

    assert got.json() == {"from": "elsewhere"}
    assert http.timeout.total == 30
    assert http.closed
