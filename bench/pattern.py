"""What the hub is compared with: the same send, on the same tables and as durable, over a database
connection that each request opens for itself."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Protocol
from uuid import UUID, uuid4

import aiosqlite
import asyncpg
from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel, Field

from hubbub.kit.keys import token_hash

POSTGRES = os.environ.get("BENCH_POSTGRES")
FILE = os.environ.get("BENCH_FILE", "")

app = FastAPI()


class Connection(Protocol):
    async def one(self, statement: str, *values: object) -> Sequence[Any] | None: ...


class Lite:
    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def one(self, statement: str, *values: object) -> Sequence[Any] | None:
        async with self._connection.execute(statement, [_plain(each) for each in values]) as cursor:
            row = await cursor.fetchone()
        return None if row is None else tuple(row)


def _plain(value: object) -> object:
    if isinstance(value, UUID):
        return str(value)
    return f"{value:%Y-%m-%d %H:%M:%S.%f}" if isinstance(value, datetime) else value


class Postgres:
    def __init__(self, connection: Any) -> None:  # noqa: ANN401 - asyncpg has no types
        self._connection = connection

    async def one(self, statement: str, *values: object) -> Sequence[Any] | None:
        row: Sequence[Any] | None = await self._connection.fetchrow(statement, *values)
        return row


@asynccontextmanager
async def _lite() -> AsyncIterator[Connection]:
    # the time of one round and more: whoever waits for the lock isn't to fail by it
    async with aiosqlite.connect(FILE, timeout=60, isolation_level=None) as connection:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            await connection.execute(f"PRAGMA {pragma}")
        yield Lite(connection)


@asynccontextmanager
async def _postgres() -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(POSTGRES, server_settings={"synchronous_commit": "on"})
    try:
        yield Postgres(connection)
    finally:
        await connection.close()


async def connect() -> AsyncIterator[Connection]:
    async with _postgres() if POSTGRES else _lite() as connection:
        yield connection


Connected = Annotated[Connection, Depends(connect)]


async def sender(connection: Connected, authorization: Annotated[str, Header()]) -> UUID:
    row = await connection.one(
        "SELECT agent_id FROM agent_key JOIN agent ON agent.id = agent_id"
        " WHERE key_hash = $1 AND deleted_at IS NULL",
        token_hash(authorization.removeprefix("Bearer ")),
    )
    if row is None:
        raise HTTPException(401)
    return UUID(str(row[0]))


class Send(BaseModel):
    to_agent_id: UUID
    content: str = Field(min_length=1)


class Sent(BaseModel):
    id: UUID
    from_agent_id: UUID
    to_agent_id: UUID
    content: str
    seq: int
    created_at: datetime


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/messages", status_code=201)
async def send(
    body: Send, connection: Connected, sender_id: Annotated[UUID, Depends(sender)]
) -> Sent:
    message_id, now = uuid4(), datetime.now(UTC)
    await connection.one("BEGIN" if POSTGRES else "BEGIN IMMEDIATE")
    to = body.to_agent_id
    if await connection.one("SELECT 1 FROM agent WHERE id = $1", to) is None:
        raise HTTPException(404)
    counted = await connection.one(
        "INSERT INTO counter AS c (id, last_seq, first_seq, open) VALUES ($1, 1, 1, 1)"
        " ON CONFLICT (id) DO UPDATE SET last_seq = c.last_seq + 1, open = c.open + 1"
        " RETURNING last_seq",
        to,
    )
    assert counted is not None
    seq = int(counted[0])
    await connection.one(
        "INSERT INTO message (id, sender_id, thread_id, addressed, content, content_type,"
        " priority, hops, created_at) VALUES ($1, $2, $1, '[]', $3, 'text/plain', 'normal', 0, $4)",
        *(message_id, sender_id, body.content, now),
    )
    await connection.one(
        "INSERT INTO delivery (recipient_id, seq, message_id, sender_id, state, created_at)"
        " VALUES ($1, $2, $3, $4, 'queued', $5)",
        *(to, seq, message_id, sender_id, now),
    )
    await connection.one("COMMIT")
    return Sent(
        id=message_id,
        from_agent_id=sender_id,
        to_agent_id=to,
        content=body.content,
        seq=seq,
        created_at=now,
    )
