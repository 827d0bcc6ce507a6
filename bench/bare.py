"""What uploads are compared with: takes whatever comes, piece by piece or as a form, and keeps
nothing."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def healthz(_: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


async def sink(request: Request) -> PlainTextResponse:
    size = 0
    async for piece in request.stream():
        size += len(piece)
    return PlainTextResponse(str(size), 201)


async def form(request: Request) -> PlainTextResponse:
    async with request.form(max_part_size=2**40) as found:
        file = found["file"]
        assert not isinstance(file, str)
        return PlainTextResponse(str(file.size), 201)


app = Starlette(
    routes=[
        Route("/healthz", healthz),
        Route("/", sink, methods=["POST"]),
        Route("/form", form, methods=["POST"]),
    ]
)
