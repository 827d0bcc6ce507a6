"""A hub that really listens, in this very process, and clients that really connect."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import pytest
import uvicorn
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from hubbub.cli.server import bind, uvicorn_config
from hubbub.messages.state import MessageState
from hubbub.realtime.state import RealtimeState
from hubbub.settings import Settings
from tests.messages.conftest import Talker, alice, bob, talkers

__all__ = ["alice", "bob", "talkers"]

SOON = 5.0


@pytest.fixture
async def served(app: FastAPI, settings: Settings) -> AsyncIterator[int]:
    """The port of the hub under test."""
    async with serving(app, settings) as port:
        yield port


@asynccontextmanager
async def serving(
    app: FastAPI, settings: Settings, *, keep_alive: int | None = None
) -> AsyncIterator[int]:
    """`keep_alive`: seconds that a connection may be idle between two requests."""
    sockets = bind("127.0.0.1", 0)
    config = uvicorn_config(settings, workers=1, reload=False, app="")
    if keep_alive is not None:
        config.timeout_keep_alive = keep_alive
    config.app, config.factory, config.lifespan = app, False, "off"
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve(sockets))
    try:
        yield sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


def state_of(app: FastAPI) -> RealtimeState:
    state: RealtimeState = app.state.realtime
    return state


def messages_of(app: FastAPI) -> MessageState:
    state: MessageState = app.state.messages
    return state


@dataclass
class Line:
    """A socket of a client."""

    socket: ClientConnection

    async def next(self, kind: str | None = None) -> dict[str, Any]:
        """The next frame, or the next of that type."""
        async with asyncio.timeout(SOON):
            while True:
                frame: dict[str, Any] = json.loads(await self.socket.recv())
                if kind is None or frame["type"] == kind:
                    return frame

    async def say(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    async def entries(self, count: int) -> list[dict[str, Any]]:
        return [await self.next("message") for _ in range(count)]

    async def closed(self) -> tuple[int, str]:
        """Its end, whatever comes before."""
        async with asyncio.timeout(SOON):
            try:
                while True:
                    await self.socket.recv()
            except ConnectionClosed:
                return self.socket.close_code or 0, self.socket.close_reason or ""

    async def is_silent(self) -> bool:
        """Whether nothing but the answer to a question comes next."""
        await self.say(type="no such type", id="silence")
        return bool((await self.next())["type"] == "error")


class Dial(Protocol):
    async def __call__(
        self, path: str, key: str | None = None, *, hello: bool = True, **options: Any
    ) -> Line: ...


@pytest.fixture
async def dial(served: int) -> AsyncIterator[Dial]:
    async with AsyncExitStack() as stack:

        async def dial_(
            path: str, key: str | None = None, *, hello: bool = True, **options: Any
        ) -> Line:
            headers = dict(options.pop("headers", {}))
            if key is not None:
                headers["Authorization"] = f"Bearer {key}"
            socket = await stack.enter_async_context(
                connect(
                    f"ws://127.0.0.1:{served}{path}",
                    additional_headers=headers,
                    **({"max_size": None, "proxy": None} | options),
                )
            )
            line = Line(socket)
            if hello:
                assert (await line.next())["type"] == "hello"
            return line

        yield dial_


def key_of(talker: Talker) -> str:
    return str(talker.client.headers["Authorization"]).removeprefix("Bearer ")


def inbox_of(talker: Talker, **query: object) -> str:
    return f"/ws/agents/{talker.id}{_query(query)}"


def room_path(room_id: UUID | str, **query: object) -> str:
    return f"/ws/rooms/{room_id}{_query(query)}"


def _query(query: dict[str, object]) -> str:
    return "?" + "&".join(f"{name}={value}" for name, value in query.items()) if query else ""
