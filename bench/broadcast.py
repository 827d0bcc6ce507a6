"""What fan-out is compared with: the least that tells every socket what one of them says.

python -m bench.broadcast PORT
"""

import sys
from http import HTTPStatus

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.http11 import Request, Response

listening: set[ServerConnection] = set()


async def handle(socket: ServerConnection) -> None:
    if socket.request is not None and socket.request.path == "/say":
        async for said in socket:
            broadcast(listening, said)
        return
    listening.add(socket)
    try:
        await socket.wait_closed()
    finally:
        listening.discard(socket)


def answer(socket: ServerConnection, request: Request) -> Response | None:
    if request.path == "/healthz":
        return socket.respond(HTTPStatus.OK, "up")
    return None


async def main(port: int) -> None:
    async with serve(
        handle, "127.0.0.1", port, compression=None, process_request=answer, backlog=2048
    ) as server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
