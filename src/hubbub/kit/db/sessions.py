"""The two session types.

A finder takes an `AsyncReadSession` and so accepts both; a mutator takes an `AsyncWriteSession`
and so refuses to be given a read session: the type checker holds the line, and the database too
(`query_only` on SQLite, `READ ONLY` on PostgreSQL).
"""

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.util import await_only

from hubbub.kit.db.turns import WriteTurns


class AsyncReadSession(AsyncSession):
    """Sees one snapshot and changes nothing."""


class _TurnTakingSession(Session):
    """Waits for its turn at the first statement, not before: a request that is still being
    validated keeps nobody waiting."""


class AsyncWriteSession(AsyncReadSession):
    """Committed by the boundary that opened it, and by nobody else."""

    sync_session_class = _TurnTakingSession

    def signal(self, name: str) -> None:
        """Rings the listeners of `name` once this session has committed."""
        self.info.setdefault("signals", set()).add(name)

    @property
    def signals(self) -> set[str]:
        found: set[str] = self.info.get("signals", set())
        return found

    @property
    def holds_turn(self) -> bool:
        return bool(self.info.get("holds_turn"))


@event.listens_for(_TurnTakingSession, "after_begin")
def _begin(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    turns: WriteTurns | None = session.info.get("turns")
    if turns is None or transaction.nested or session.info.get("holds_turn"):
        return
    await_only(turns.take())
    session.info["holds_turn"] = True
    # at once, not at the first write: a transaction that begins by reading can't be refused later
    connection.exec_driver_sql("BEGIN IMMEDIATE")
