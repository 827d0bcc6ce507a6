"""The hub's server around a small app, which waits, streams, upgrades and reads as told."""

import asyncio
import sys
from collections.abc import AsyncIterator

from fastapi import FastAPI, Request, WebSocket
from starlette.responses import StreamingResponse

from hubbub.cli.server import bind, run
from hubbub.settings import get_settings

# the tests' time for a request is half a second; all of this takes longer
LONG = 1.5


def create_listener() -> FastAPI:
    app = FastAPI()

    @app.get("/healthz")
    async def healthz() -> str:
        return "up"

    @app.get("/poll")
    async def poll() -> str:
        await asyncio.sleep(LONG)
        return "news"

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[str]:
            yield "first "
            await asyncio.sleep(LONG)
            yield "last"

        return StreamingResponse(parts())

    @app.post("/count")
    async def count(request: Request) -> int:
        return len(await request.body())

    @app.post("/later")
    async def later(request: Request) -> int:
        """Reads only when the time for a request is long over."""
        await asyncio.sleep(LONG)
        return len(await request.body())

    @app.post("/refuse")
    async def refuse() -> str:
        return "not read"

    @app.websocket("/echo")
    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        while True:
            await socket.send_text(await socket.receive_text())

    return app


if __name__ == "__main__":
    settings = get_settings()
    app = "tests.faults.listener:create_listener"
    sys.exit(run(settings, bind(settings.host, settings.port), app=app, workers=int(sys.argv[1])))
