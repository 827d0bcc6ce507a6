"""Connections that were something else before."""

import asyncio

import pytest
from fastapi import FastAPI

from hubbub.settings import Settings
from tests.messages.conftest import Talker
from tests.realtime.conftest import inbox_of, key_of, serving

KEEP_ALIVE = 1


async def test_a_socket_outlives_the_patience_with_an_idle_connection(
    app: FastAPI, settings: Settings, bob: Talker
) -> None:
    """Proxies use one connection for a request and then for a socket."""
    async with serving(app, settings, keep_alive=KEEP_ALIVE) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            f"GET {inbox_of(bob)} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Authorization: Bearer {key_of(bob)}\r\n\r\n".encode()
        )
        await reader.readuntil(b'"last_seq":0}')

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 2 * KEEP_ALIVE)

        writer.close()
        await writer.wait_closed()
