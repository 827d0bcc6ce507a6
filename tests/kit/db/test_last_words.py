"""PostgreSQL says of an idle connection that it ends, and a statement comes before the end does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from hubbub.kit.db.database import Database, DatabaseUnavailable
from hubbub.kit.db.dialect import is_retryable_in_driver
from hubbub.kit.db.postgresql import plain_connection
from hubbub.messages.writer.postgresql import PostgresStore
from hubbub.messages.writer.statements import Query
from hubbub.messages.writer.steps import Ask, Steps
from hubbub.settings import DatabaseSettings

_FIELDS = b"SFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
LAST_WORDS = b"E" + (len(_FIELDS) + 4).to_bytes(4) + _FIELDS


@dataclass
class Proxy:
    """Stands before the server, and can speak for it."""

    dsn: str
    clients: list[asyncio.StreamWriter] = field(default_factory=list)

    async def say(self, words: bytes) -> None:
        for client in self.clients:
            client.write(words)
        self.clients.clear()
        for _ in range(10):
            await asyncio.sleep(0)  # the loop, which the driver shares, reads what has come


@pytest.fixture
async def proxy(postgres: str) -> AsyncIterator[Proxy]:
    url = make_url(postgres)
    proxy = Proxy("")

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while part := await reader.read(65536):
                writer.write(part)
                await writer.drain()
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(url.host, url.port)
        proxy.clients.append(writer)
        await asyncio.gather(pass_on(reader, back), pass_on(there, writer))

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    proxy.dsn = url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
    async with listener:
        yield proxy


def one() -> Steps[list[Any]]:
    return (yield Ask(Query("", "SELECT unnest($1::integer[])"), [1]))


async def test_a_session_hears_that_the_database_is_away(proxy: Proxy) -> None:
    dsn = proxy.dsn.replace("postgresql://", "postgresql+asyncpg://")
    database = Database(dsn, DatabaseSettings(pool_size=1, max_overflow=0))
    try:
        with pytest.raises(DatabaseUnavailable):  # noqa: PT012 - the block is what is told so
            async with database.read() as session:
                await session.execute(text("SELECT 1"))
                await proxy.say(LAST_WORDS)
                await session.execute(text("SELECT 2"))

        await database.ping()
    finally:
        await database.close()


async def test_the_writer_takes_another_connection(proxy: Proxy) -> None:
    store = PostgresStore(plain_connection(proxy.dsn))
    try:
        await store.run(one)
        await proxy.say(LAST_WORDS)

        with pytest.raises(Exception) as raised:  # noqa: PT011 - which one is the driver's affair
            await store.run(one)

        assert is_retryable_in_driver(raised.value)
        assert len(await store.run(one)) == 1
    finally:
        await store.close()
