"""Running batches on SQLite: in a thread of their own, over a connection of their own, while the
process's one turn at writing is held."""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import orjson
from sqlalchemy.engine import make_url

from hubbub.kit.db.checkpoints import Checkpoints
from hubbub.kit.db.sqlite import prepare, uninterrupted
from hubbub.kit.db.turns import WriteTurns
from hubbub.kit.db.worker import Worker
from hubbub.messages.writer.statements import Insert, values
from hubbub.messages.writer.steps import Steps


class SqliteForms:
    alone = True

    def time(self, at: datetime | None) -> str | None:
        # as SQLAlchemy stores it
        return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")

    def json(self, content: object) -> str | None:
        return None if content is None else orjson.dumps(content).decode()


class SqliteStore:
    def __init__(
        self, dsn: str, busy_timeout: float, turns: WriteTurns, *, durable: bool = True
    ) -> None:
        self._durable = durable
        self.forms = SqliteForms()
        self._path = cast("str", make_url(dsn).database)
        self._busy_timeout = busy_timeout
        self._turns = turns
        self._worker = Worker("writer")
        self._connection: sqlite3.Connection | None = None
        self._checkpoints = Checkpoints(self._connect)

    async def run[T](self, steps: Callable[[], Steps[T]]) -> T:
        """Runs the steps in one transaction; raises what SQLite raises, with nothing stored."""
        await self._turns.take()
        try:
            return await uninterrupted(self._worker.run(lambda: self._run(steps)))
        finally:
            self._turns.release()

    async def close(self) -> None:
        await self._worker.run(self._close)
        self._worker.stop()

    def _run[T](self, steps: Callable[[], Steps[T]]) -> T:
        self._connection = connection = self._connection or self._connect()
        try:
            connection.execute("BEGIN IMMEDIATE")
            result = _drive(connection, steps())
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._checkpoints.committed(connection.total_changes)
        return result

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=self._busy_timeout, isolation_level=None, cached_statements=256
        )
        try:
            prepare(connection, read_only=False)
            if not self._durable:
                # whole after a power cut too, but it may end a little earlier
                connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _close(self) -> None:
        self._checkpoints.close()
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _drive[T](connection: sqlite3.Connection, steps: Steps[T]) -> T:
    try:
        ask = next(steps)
        while True:
            if isinstance(ask.sql, Insert):
                _insert(connection, ask.sql, ask.rows)
                answer: list[Any] = []
            else:
                rows = orjson.dumps(ask.rows).decode()
                found = connection.execute(ask.sql.sqlite, (rows,)).fetchone()
                answer = orjson.loads(found[0]) if ask.answers else []
            ask = steps.send(answer)
    except StopIteration as done:
        return cast("T", done.value)


def _insert(
    connection: sqlite3.Connection, insert: Insert, rows: Sequence[tuple[Any, ...]]
) -> None:
    """In statements of few sizes, so that each is prepared once."""
    start = 0
    while start < len(rows):
        left = len(rows) - start
        size = min(left, _MOST_ROWS) if left < _STEP else min(left - left % _STEP, _MOST_ROWS)
        part = rows[start : start + size]
        connection.execute(values(insert, size), [value for row in part for value in row])
        start += size


_STEP, _MOST_ROWS = 16, 128
