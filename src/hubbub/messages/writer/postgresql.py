"""Running batches on PostgreSQL: one connection a process, one statement a table."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, cast

import orjson
from asyncpg import InterfaceError, InternalClientError
from asyncpg.exceptions import DeadlockDetectedError, SerializationError

from hubbub.messages.writer.steps import Steps

_ATTEMPTS = 5


class PostgresForms:
    alone = False

    def time(self, at: datetime | None) -> datetime | None:
        return at

    def json(self, content: object) -> str | None:
        return None if content is None else orjson.dumps(content).decode()


class PostgresStore:
    def __init__(self, connect: Callable[[], Any]) -> None:
        self.forms = PostgresForms()
        self._connect = connect
        self._connection: Any = None
        self._free = asyncio.Lock()

    async def run[T](self, steps: Callable[[], Steps[T]]) -> T:
        """Runs the steps in one transaction. Whatever is lost to a deadlock is done again."""
        for attempt in range(_ATTEMPTS):
            try:
                async with self._free:
                    return await self._run(steps)
            except (DeadlockDetectedError, SerializationError):
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError

    async def _run[T](self, steps: Callable[[], Steps[T]]) -> T:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
        try:
            async with self._connection.transaction():
                return await _drive(self._connection, steps())
        except (OSError, InterfaceError, InternalClientError):
            # in whatever state it is left, the next batch doesn't wait to find out
            self._connection.terminate()
            raise

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()


async def _drive[T](connection: Any, steps: Steps[T]) -> T:  # noqa: ANN401 - asyncpg has no types
    try:
        ask = next(steps)
        while True:
            ask = steps.send(await connection.fetch(ask.sql.postgresql, *_columns(ask.rows)))
    except StopIteration as done:
        return cast("T", done.value)


def _columns(rows: Sequence[Any]) -> Sequence[Sequence[Any]]:
    if isinstance(rows[0], tuple):
        return list(zip(*rows, strict=True))
    return [list(rows)]
