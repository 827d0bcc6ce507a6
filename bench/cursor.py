"""What exports are compared with: a cursor's rows as CSV, and nothing else."""

import csv
import io
import os
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

_BATCH = 1000
_SQL = """
    SELECT id, sender_id, addressed, room_id, thread_id, reply_to, content_type, length(content),
        priority, created_at, deliver_at, expires_at, ack_by, withdrawn_at, content, metadata
    FROM message ORDER BY id
"""


async def healthz(_: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


def _csv(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _of_sqlite(path: str) -> Iterator[bytes]:
    connection = sqlite3.connect(path, check_same_thread=False)
    cursor = connection.execute(_SQL)
    while rows := cursor.fetchmany(_BATCH):
        yield _csv(rows)
    connection.close()


async def _of_postgresql(dsn: str) -> AsyncIterator[bytes]:
    connection = await asyncpg.connect(dsn)
    async with connection.transaction(readonly=True):
        cursor = await connection.cursor(_SQL)
        while rows := await cursor.fetch(_BATCH):
            yield _csv(rows)
    await connection.close()


async def export(_: Request) -> StreamingResponse:
    dsn = os.environ["BENCH_DATABASE"]
    rows = _of_postgresql(dsn) if dsn.startswith("postgresql:") else _of_sqlite(dsn)
    return StreamingResponse(rows, media_type="text/csv")


app = Starlette(routes=[Route("/healthz", healthz), Route("/", export)])
